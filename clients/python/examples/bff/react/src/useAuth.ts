// Owns who is logged in, for components. Does not know how the backend is asked: session.ts does.

import { useEffect, useState } from "react";
import { login, logout, takeCallback, type User, whoAmI } from "../../session";

// Before the first component: the address is clean when anything is drawn.
const arrival = attempt(takeCallback);

/** Who is logged in (undefined while that is asked), what went wrong, and how to come and go. */
export function useAuth() {
  const [user, setUser] = useState<User | null | undefined>(arrival.value ?? undefined);
  const [trouble, setTrouble] = useState<string | null>(arrival.trouble);

  useEffect(() => {
    // What the address said is for the eye alone: anybody can write a link. The cookie decides.
    whoAmI().then(setUser, (error: Error) => setTrouble(error.message));
  }, []);

  const leave = () =>
    logout().then(
      () => setUser(null),
      (error: Error) => setTrouble(error.message),
    );
  return { user, trouble, login, logout: leave };
}

function attempt(take: () => User | null): { value: User | null; trouble: string | null } {
  try {
    return { value: take(), trouble: null };
  } catch (error) {
    return { value: null, trouble: (error as Error).message };
  }
}
