/** Owns what somebody lacks for what is needed of them, a session's person and a token's alike. Answers nothing. */
import { milliseconds } from "../duration.js";
import type { Personal } from "../requirements.js";

/** What can be lacking. */
export type Lacked = "scope" | "permission" | "role" | "email" | "acr" | "amr" | "login age";

/** What is lacking, and by which names; where one of several would do, all of those. */
export interface Lack {
  readonly what: Lacked;
  readonly names: readonly string[];
}

/** What a test says of somebody, beside who it is. */
export interface Granted {
  readonly scopes?: readonly string[] | undefined;
  readonly permissions?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  /** Whether the provider verified the email address. Default: if there is one. */
  readonly emailVerified?: boolean | undefined;
  /** The authentication context class of the login. */
  readonly acr?: string | undefined;
  /** The authentication methods of the login (RFC 8176). */
  readonly amr?: readonly string[] | undefined;
  /** When the user authenticated. Default: now. */
  readonly loginTime?: Date | undefined;
}

/** What is known of somebody. */
export interface Facts {
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly roles: readonly string[];
  readonly emailVerified: boolean;
  /** Empty for none. */
  readonly acr: string;
  readonly amr: readonly string[];
  readonly loginTime: number;
}

/** The first that is lacking, in the order in which a person would mend it. */
export function lackOf(facts: Facts, needed: Personal | undefined): Lack | undefined {
  if (!needed) {
    return undefined;
  }
  const age = needed.maxLoginAge;
  const isOld = age !== undefined && Date.now() - facts.loginTime > milliseconds(age);
  const named: readonly [Lacked, readonly string[]][] = [
    ["scope", all(needed.scopes, facts.scopes)],
    ["scope", some(needed.anyScopes, facts.scopes)],
    ["permission", all(needed.permissions, facts.permissions)],
    ["permission", some(needed.anyPermissions, facts.permissions)],
    ["role", all(needed.roles, facts.roles)],
    ["email", needed.emailVerified && !facts.emailVerified ? ["email"] : []],
    ["acr", some(needed.acrValues, [facts.acr])],
    ["amr", all(needed.amrValues, facts.amr)],
    ["login age", isOld ? ["login age"] : []],
  ];
  const [what, names] = named.find(([, names]) => names.length > 0) ?? [];
  return what && { what, names: names ?? [] };
}

function all(needed: readonly string[], there: readonly string[]): readonly string[] {
  return needed.filter((name) => !there.includes(name));
}

function some(needed: readonly string[], there: readonly string[]): readonly string[] {
  return needed.some((name) => there.includes(name)) ? [] : needed;
}

/** What is said of it. */
export function detailOf(what: Lacked, names: readonly string[]): string {
  switch (what) {
    case "scope":
    case "permission":
    case "role":
      return names.length > 0 ? `Missing ${what}: ${names.join(" ")}` : `A ${what} is missing`;
    case "email":
      return "A verified email address is needed";
    case "acr":
      return "A stronger login is needed";
    case "amr":
      return names.length > 0 ? `A login is needed that uses ${names.join(" and ")}` : "A stronger login is needed";
    case "login age":
      return "A fresh login is needed";
  }
}

/** The word for it in an answer's `reason`. */
export const REASON_WORDS: Readonly<Record<Lacked, string>> = {
  scope: "scope_missing",
  permission: "permission_missing",
  role: "role_missing",
  email: "email_not_verified",
  acr: "acr_missing",
  amr: "amr_missing",
  "login age": "login_too_old",
};

/** Whether another login mends it. */
export function isMendedByLogin(what: Lacked): boolean {
  return what === "acr" || what === "amr" || what === "login age";
}
