/**
 * Owns what a route may need of who is behind a request, and whether an answer has judged all of it. Judges none of it
 * itself.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { milliseconds } from "./duration.js";
import { CsrfRequirement, RequirementsSchema, type Requirements } from "./gen/gatelodge/v1/session_pb.js";
import { OptionsError } from "./errors.js";

/** What a route needs of a person, whether a session or a token is behind the request. All that is named has to be met. */
export interface PersonalNeeds {
  /** Scopes that must all have been granted. */
  readonly scopes?: readonly string[] | undefined;
  /** Scopes of which at least one must have been granted. */
  readonly anyScopes?: readonly string[] | undefined;
  /** Permissions that must all be there. */
  readonly permissions?: readonly string[] | undefined;
  /** Permissions of which at least one must be there. */
  readonly anyPermissions?: readonly string[] | undefined;
  /** Roles that must all be there. */
  readonly roles?: readonly string[] | undefined;
  /** Whether the provider must have verified the email address. */
  readonly emailVerified?: boolean | undefined;
  /**
   * Authentication context classes, the preferred one first: the login must have had one of them. Others are sent to log in
   * in that way, and come back with the same session.
   */
  readonly acrValues?: readonly string[] | undefined;
  /** Authentication methods (RFC 8176), such as `otp`, that the login must all have used. Others are sent to log in again. */
  readonly amrValues?: readonly string[] | undefined;
  /** How long ago the user may have authenticated at most, in whole seconds, at least 1. Others are sent to log in again. */
  readonly maxLoginAgeSeconds?: number | undefined;
}

/** What a route needs beyond a living session. */
export interface Needs extends PersonalNeeds {
  /**
   * `"by method"` (the default): a CSRF token is needed for all but GET, HEAD, OPTIONS and TRACE. `"always"`: whatever the
   * method. `"never"`: not needed, and the Origin is not judged either, for routes that are guarded in another way.
   */
  readonly csrf?: "by method" | "always" | "never" | undefined;
}

const CSRF = {
  "by method": CsrfRequirement.UNSPECIFIED,
  always: CsrfRequirement.REQUIRED,
  never: CsrfRequirement.NOT_REQUIRED,
} as const;

const ALL_NEEDED = ["scopes", "permissions", "roles", "amrValues"] as const;
const ONE_NEEDED = ["anyScopes", "anyPermissions", "acrValues"] as const;

/** What of the requirements are lists of names. */
export const LISTS_NEEDED = [...ALL_NEEDED, ...ONE_NEEDED] as const;

/** What the requirements of sessions and those of tokens have in common, asked for or judged. */
export type Personal = Pick<Requirements, (typeof LISTS_NEEDED)[number] | "emailVerified" | "maxLoginAge">;

/** The needs as the contract says them. */
export function requirementsOf(needs: Needs): Requirements {
  return create(RequirementsSchema, { ...personal(needs), csrf: CSRF[needs.csrf ?? "by method"] });
}

/** The needs as the requirements of sessions and those of tokens say them. */
export function personal(needs: PersonalNeeds): Omit<MessageInitShape<typeof RequirementsSchema>, "$typeName"> {
  const { maxLoginAgeSeconds: age, emailVerified = false } = needs;
  if (age !== undefined && !(Number.isInteger(age) && age >= 1)) {
    throw new OptionsError("maxLoginAgeSeconds", `is ${String(age)}: expected whole seconds, at least 1`);
  }
  return {
    ...Object.fromEntries(LISTS_NEEDED.map((list) => [list, [...(needs[list] ?? [])]])),
    emailVerified,
    ...(age === undefined ? {} : { maxLoginAge: { seconds: BigInt(age) } }),
  };
}

/**
 * Whether all that was asked for was judged. Of lists of which one is needed, nothing may have been judged that was not
 * asked for: it may be what let the person in.
 */
export function areJudged(asked: Personal | undefined, judged: Personal | undefined): boolean {
  if (!asked) {
    return true;
  }
  const age = judged?.maxLoginAge;
  return (
    ALL_NEEDED.every((list) => asked[list].every((name) => judged?.[list].includes(name))) &&
    ONE_NEEDED.every((list) => asked[list].length === 0 || isSome(judged?.[list], asked[list])) &&
    (!asked.emailVerified || judged?.emailVerified === true) &&
    (!asked.maxLoginAge || (age !== undefined && milliseconds(age) <= milliseconds(asked.maxLoginAge)))
  );
}

function isSome(judged: readonly string[] = [], asked: readonly string[]): boolean {
  return judged.length > 0 && judged.every((name) => asked.includes(name));
}
