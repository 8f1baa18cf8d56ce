// Owns who is logged in, for components: one state for all of them. Does not know how the backend is asked: session.ts does.

import { readonly, ref } from "vue";
import * as session from "../../session";
import type { User } from "../../session";

const user = ref<User | null | undefined>(undefined);
const trouble = ref<string | null>(null);

// Before the first component: the address is clean when anything is drawn.
try {
  user.value = session.takeCallback() ?? undefined;
} catch (error) {
  trouble.value = (error as Error).message;
}
// What the address said is for the eye alone: anybody can write a link. The cookie decides.
session.whoAmI().then((found) => (user.value = found), told);

/** Who is logged in (undefined while that is asked), what went wrong, and how to come and go. */
export function useAuth() {
  return { user: readonly(user), trouble: readonly(trouble), login: session.login, logout };
}

async function logout(): Promise<void> {
  await session.logout().then(() => (user.value = null), told);
}

function told(error: Error): void {
  trouble.value = error.message;
}
