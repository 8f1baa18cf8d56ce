/** Owns what a route may need beyond a living session. Judges none of it. */
import { create } from "@bufbuild/protobuf";
import { CsrfRequirement, RequirementsSchema, type Requirements } from "./gen/gatelodge/v1/session_pb.js";
import { OptionsError } from "./errors.js";

/** What a route needs beyond a living session. */
export interface Needs {
  /** Scopes that the session must all have been granted. */
  readonly scopes?: readonly string[] | undefined;
  /** How long ago the user may have authenticated at most, in whole seconds, at least 1. Others are sent to log in again. */
  readonly maxLoginAgeSeconds?: number | undefined;
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

/** The needs as the contract says them. */
export function requirementsOf({ scopes = [], maxLoginAgeSeconds, csrf = "by method" }: Needs): Requirements {
  if (maxLoginAgeSeconds !== undefined && !(Number.isInteger(maxLoginAgeSeconds) && maxLoginAgeSeconds >= 1)) {
    const problem = `is ${String(maxLoginAgeSeconds)}: expected whole seconds, at least 1`;
    throw new OptionsError("maxLoginAgeSeconds", problem);
  }
  return create(RequirementsSchema, {
    scopes: [...scopes],
    csrf: CSRF[csrf],
    ...(maxLoginAgeSeconds === undefined ? {} : { maxLoginAge: { seconds: BigInt(maxLoginAgeSeconds) } }),
  });
}
