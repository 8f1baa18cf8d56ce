/** Owns what an application sees of a living session. Does not know how it was found. */
import type { Identity, SessionInfo } from "./gen/gatelodge/v1/identity_pb.js";

/** A living session that meets every requirement which was asked for. It holds no secret, and can't be changed. */
export interface Session {
  /** The user's stable id, `<provider>_<sub>`: the key to keep a user's own data under. */
  readonly userId: string;
  /** Absent when the provider gave none. It is no identity: it may change hands. */
  readonly email: string | undefined;
  /** The display name; absent when the provider gave none. */
  readonly name: string | undefined;
  /** The provider's name in the authority's configuration. */
  readonly provider: string;
  /** The scopes that were granted. */
  readonly scopes: readonly string[];
  /** What the user may do, as the provider's configuration maps it. */
  readonly permissions: readonly string[];
  /** The user's roles likewise. */
  readonly roles: readonly string[];
  /** The public session id, `sid_...`: safe to log, and what the admin's calls take. */
  readonly id: string;
  /** All that the provider said. */
  readonly identity: Identity;
  /** The session's facts: its times. */
  readonly info: SessionInfo;
}

/** Reads a session of the authority's answer. */
export function sessionOf(identity: Identity, info: SessionInfo): Session {
  return {
    userId: identity.userId,
    email: identity.email || undefined,
    name: identity.name || undefined,
    provider: identity.provider,
    scopes: identity.scopes,
    permissions: identity.permissions,
    roles: identity.roles,
    id: info.sessionId,
    identity,
    info,
  };
}
