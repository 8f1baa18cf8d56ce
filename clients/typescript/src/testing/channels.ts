/**
 * Owns what the fake authority says to a provider that tells of a logout. Its one provider signs nothing: `logout_` and a
 * session of its own (`sid`), or a user's id, is a logout token.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HandleBackchannelLogoutRequest,
  HandleBackchannelLogoutResponseSchema,
  HandleFrontchannelLogoutRequest,
  HandleFrontchannelLogoutResponseSchema,
} from "../gen/gatelodge/v1/login_pb.js";
import { json, problem, type Finished } from "./answers.js";
import { textOf } from "./session.js";
import { ended, living, type State } from "./state.js";

const ISSUER = "https://provider.example";
const LOGOUT_TOKEN = "logout_";
const PAGE = "<!doctype html>\n<title>Logged out</title>\n<p>Logged out</p>\n";
const FRAMED = `default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors ${ISSUER}`;

/** The answer to a provider's server. */
export function handleBackchannelLogout(
  state: State,
  { form }: HandleBackchannelLogoutRequest,
  requestId: string,
): MessageInitShape<typeof HandleBackchannelLogoutResponseSchema> {
  const settingsVersion = state.settings.version;
  const refused = (reason: string): { answer: Finished; settingsVersion: string } => {
    const detail = "The logout token was not accepted";
    return { answer: problem(400, reason, detail, "", requestId, { error: "invalid_request" }), settingsVersion };
  };
  const [token = "", ...others] = new URLSearchParams(textOf(form)).getAll("logout_token");
  if (token === "" || others.length > 0) {
    return refused("request_malformed");
  }
  if (!token.startsWith(LOGOUT_TOKEN)) {
    return refused("logout_token_rejected");
  }
  const named = token.slice(LOGOUT_TOKEN.length);
  const meant = state.carriedOut.has(named)
    ? []
    : living(state).filter(({ identity, providerSession }) => [identity.userId, providerSession].includes(named));
  state.carriedOut.add(named);
  return { answer: json(200, {}), revokedCount: ended(state, ...meant), settingsVersion };
}

/** The answer to a provider's page. */
export function handleFrontchannelLogout(
  state: State,
  { query }: HandleFrontchannelLogoutRequest,
  requestId: string,
): MessageInitShape<typeof HandleFrontchannelLogoutResponseSchema> {
  const settingsVersion = state.settings.version;
  const said = new URLSearchParams(textOf(query));
  const [issuer, sid] = [said.get("iss") ?? "", said.get("sid") ?? ""];
  if (issuer === "" || sid === "") {
    const detail = "The parameters iss and sid are needed";
    return { answer: problem(400, "request_malformed", detail, "", requestId), settingsVersion };
  }
  if (issuer !== ISSUER) {
    const detail = "No provider of this issuer may log out in this way";
    return { answer: problem(400, "provider_unknown", detail, "", requestId), settingsVersion };
  }
  const answer = {
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: Buffer.from(PAGE),
    headers: [{ name: "content-security-policy", value: FRAMED }],
  };
  const meant = living(state).filter(({ providerSession }) => providerSession === sid);
  return { answer, revokedCount: ended(state, ...meant), settingsVersion };
}
