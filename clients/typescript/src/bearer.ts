/**
 * Owns how a request with a bearer token gets in, or its answer (RFC 6750): reading the header, asking once, handing the
 * token's facts on. Judges no token, and does not know frameworks.
 */
import { create, type JsonObject } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { instead } from "./admitted.js";
import { copy, failed, type Answer, type Asker } from "./answer.js";
import type { Client } from "./client.js";
import { TokenRequirementsSchema, type ActiveToken, type TokenRequirements } from "./gen/gatelodge/v1/token_pb.js";
import { lines, trimmed, type RawRequest } from "./presented.js";
import { personal, type PersonalNeeds } from "./requirements.js";
import { isJudged } from "./token-verdict.js";

/** What a route needs beyond a good token. */
export interface TokenNeeds extends PersonalNeeds {
  /** Whom the token must be for. Default: any audience of the authority's configuration. */
  readonly audience?: string | undefined;
  /** The provider that issued it, for opaque tokens where several are asked. Default: the one that the token names. */
  readonly provider?: string | undefined;
}

/** A good token that meets every requirement which was asked for. It holds no secret. */
export interface Token {
  /** The user's stable id, `<provider>_<sub>`; absent when the token speaks for a program alone. */
  readonly userId: string | undefined;
  /** The OAuth2 client that it was given to; absent when it does not say. */
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly roles: readonly string[];
  readonly audiences: readonly string[];
  /** When it ends; absent when it does not say. */
  readonly expires: Date | undefined;
  /** All claims of a token of the authority's own; absent for others. */
  readonly claims: JsonObject | undefined;
  /** All that the authority said. */
  readonly active: ActiveToken;
}

/** A rule for a route. */
export interface TokenRule {
  readonly requirements: TokenRequirements;
  readonly provider: string;
}

/** The rule of a guard. */
export function tokenRule(needs: TokenNeeds = {}): TokenRule {
  const { audience = "", provider = "" } = needs;
  const requirements = create(TokenRequirementsSchema, { ...personal(needs), audience });
  return { requirements, provider };
}

/** What was found about a request, for a guard further in. */
interface Found {
  readonly client: Client;
  readonly presented: string;
  readonly provider: string;
  readonly token: Token;
}

const FOUND = new WeakMap<object, Found>();

/** The token behind a request that a guard let through, by the object that stands for it. */
export function tokenBehind(request: object): Token {
  const found = FOUND.get(request);
  if (!found) {
    throw new Error("gatelodge: no bearer token was asked for here; guard the route with bearer()");
  }
  return found.token;
}

/**
 * Asks about the token of a request: either its answer, or nothing, and then {@link tokenBehind} knows it. A preflight has
 * none, and goes no further: CORS middleware stands before.
 */
export async function admitBearer(
  client: Client,
  { requirements, provider }: TokenRule,
  request: RawRequest,
  key: object,
): Promise<Answer | undefined> {
  const presented = tokenOf(request);
  const outer = FOUND.get(key);
  if (
    outer?.client === client &&
    outer.presented === presented &&
    outer.provider === provider &&
    isJudged(requirements, outer.token.active.judged)
  ) {
    return undefined;
  }
  const asker: Asker = { requestId: request.requestId, logger: client.logger };
  try {
    const question = { token: Buffer.from(presented, "latin1"), requirements, provider };
    const verdict = await client.tokens.check(question, { requestId: request.requestId });
    if (verdict.kind === "active") {
      FOUND.set(key, { client, presented, provider, token: read(verdict.active) });
      return undefined;
    }
    const { answer } = verdict.kind === "inactive" ? verdict.inactive : verdict.denied;
    return instead(key, copy(asker, answer));
  } catch (failure) {
    return instead(key, failed(asker, failure));
  }
}

/** What follows "Bearer " (RFC 6750, 2.1). A request that names two credentials names none. */
function tokenOf(request: RawRequest): string {
  const [credentials = "", ...others] = lines(request, "authorization");
  const [, token = ""] = /^bearer ([^]*)$/i.exec(credentials) ?? [];
  return others.length > 0 ? "" : trimmed(token);
}

function read(active: ActiveToken): Token {
  const { identity, clientId, permissions, audiences, expireTime, claims } = active;
  return {
    userId: identity && identity.userId !== "" ? identity.userId : undefined,
    clientId: clientId || undefined,
    scopes: identity?.scopes ?? [],
    permissions,
    roles: identity?.roles ?? [],
    audiences,
    expires: expireTime && timestampDate(expireTime),
    claims,
    active,
  };
}
