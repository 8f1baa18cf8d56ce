// Owns what a front end of any make needs to know of the session: who is there, login, logout, and calls of the backend.
// Copy it. The session itself is a cookie that no script can read; the CSRF token is kept in memory, and nowhere else.

/** Where the backend is: another origin than the front end's. */
export const BACKEND: string = import.meta.env.VITE_BACKEND ?? "http://localhost:8000";

/** Who is logged in. */
export interface User {
  user_id: string;
  email: string | null;
  name: string | null;
  provider: string;
}

/** A way to log in. */
export interface Provider {
  name: string;
  display_name: string;
}

/** The backend could not or would not: `reason` for programs, `message` for people. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

const WORDS: Record<string, string> = {
  access_denied: "The login was cancelled.",
  provider_unavailable: "The login service does not answer. Try again in a moment.",
};

let csrfToken: string | null = null;

/** Calls the backend with the session's cookie and its CSRF token, and reads the JSON that it answers. */
export async function call<T>(path: string, method = "GET", body?: unknown): Promise<T> {
  let answer = await send(path, method, body);
  if (answer.status === 403 && (await reasonOf(answer)) === "csrf_mismatch") {
    // This tab slept longer than its token lives.
    await send("/auth/me", "GET");
    answer = await send(path, method, body);
  }
  const said = await answer.json();
  if (!answer.ok) {
    const words = [said.detail, said.remedy].filter((one) => typeof one === "string").join(". ");
    throw new Refused(answer.status, said.reason ?? "", words || `The backend answered ${answer.status}.`);
  }
  return said as T;
}

async function send(path: string, method: string, body?: unknown): Promise<Response> {
  const headers = new Headers({ accept: "application/json" });
  if (csrfToken !== null && method !== "GET") headers.set("X-CSRF-Token", csrfToken);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const init = {
    method,
    headers,
    credentials: "include" as const,
    body: body === undefined ? null : JSON.stringify(body),
  };
  const answer = await fetch(BACKEND + path, init);
  // The newest counts: of /auth/me, and of every answer that brings one.
  csrfToken = answer.headers.get("X-CSRF-Token") ?? csrfToken;
  return answer;
}

async function reasonOf(answer: Response): Promise<unknown> {
  return ((await answer.clone().json()) as { reason?: unknown }).reason;
}

/** Who is logged in, or null. Trouble is thrown: it is no logout. */
export async function whoAmI(): Promise<User | null> {
  try {
    return await call<User>("/auth/me");
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    throw error;
  }
}

/** Leaves for the provider's login page, and comes back to /auth-callback. */
export function login(provider: string): void {
  const query = new URLSearchParams({ provider, redirect_uri: `${location.origin}/auth-callback` });
  location.assign(`${BACKEND}/auth/web/login?${query}`);
}

/** Ends the session here and, where the provider has a logout of its own, there. */
export async function logout(): Promise<void> {
  const home = new URLSearchParams({ redirect_uri: `${location.origin}/` });
  const { logout_url } = await call<{ logout_url?: string }>(`/auth/web/logout?${home}`, "POST");
  csrfToken = null;
  if (logout_url) location.assign(logout_url);
}

/**
 * On /auth-callback: reads `user` and `csrf_token` from the address and takes them out of it at once, before anything
 * else can see them there. Answers the user; null on every other page. A login that failed is thrown.
 */
export function takeCallback(): User | null {
  if (location.pathname !== "/auth-callback") return null;
  const query = new URLSearchParams(location.search);
  history.replaceState(null, "", "/");
  const error = query.get("error");
  if (error !== null) {
    throw new Refused(401, error, WORDS[error] ?? `The login failed (${error}). Log in again.`);
  }
  const user = query.get("user");
  csrfToken = query.get("csrf_token");
  return user === null ? null : (JSON.parse(user) as User);
}
