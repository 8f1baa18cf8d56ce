/** Owns what the fake authority answers to a page that uses, lists and ends sessions. Judges by `session`'s rules. */
import { fromJsonString } from "@bufbuild/protobuf";
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { StructSchema, type Timestamp } from "@bufbuild/protobuf/wkt";
import { errorOf } from "../errors.js";
import type { Cookie, RequestContext } from "../gen/gatelodge/v1/presented_pb.js";
import {
  SessionService,
  type DeniedSessionSchema,
  type InactiveSessionSchema,
} from "../gen/gatelodge/v1/session_pb.js";
import { denied, inactive, json, problem, setCookie, type Finished } from "./answers.js";
import { judge, presented, textOf, type Kept } from "./session.js";
import { ended, of, type State } from "./state.js";

interface AboutSession {
  readonly cookies: readonly Cookie[];
  readonly context?: RequestContext | undefined;
}
type Refused =
  | { readonly case: "inactive"; readonly value: MessageInitShape<typeof InactiveSessionSchema> }
  | { readonly case: "denied"; readonly value: MessageInitShape<typeof DeniedSessionSchema> };
type Revoke = typeof SessionService.method.revoke;

/** Answers about the session that a request may use, or says why it may not. */
export function using<T>(
  state: State,
  question: AboutSession,
  requestId: string,
  answers: (one: Kept) => T,
): T | { outcome: Refused; answer?: Finished } {
  const used = use(state, question, requestId);
  return "case" in used ? { outcome: used, ...answerOf(used) } : answers(used);
}

function use(state: State, { cookies, context }: AboutSession, requestId: string): Kept | Refused {
  const question = { context, requirements: undefined, answerJson: true };
  const one = presented(state.sessions, cookies);
  if (typeof one === "number") {
    return { case: "inactive", value: inactive(one, question, requestId) };
  }
  const judged = state.denial || judge(one, undefined, context, state.settings);
  return typeof judged === "number"
    ? { case: "denied", value: denied(judged, one, question, state.settings, requestId) }
    : one;
}

function answerOf({ value: { answer } }: Refused): { answer?: Finished } {
  return answer ? { answer } : {};
}

/** What a page is told of who is signed in. */
export function userInfo({ identity }: Kept): object {
  return {
    user_id: identity.userId,
    provider: identity.provider,
    sub: identity.sub,
    email: identity.email || null,
    email_verified: identity.emailVerified,
    name: identity.name || null,
    picture: null,
    claims: {},
  };
}

/** What a page is told of a session in a list of "my devices". */
export function device({ info }: Kept, isCurrent: boolean): object {
  return {
    session_id: info.sessionId,
    current: isCurrent,
    device: "Unknown device",
    place: "",
    client_address: "",
    created: seconds(info.createTime),
    last_active: seconds(info.lastActiveTime),
    idle_end: seconds(info.idleExpireTime),
    absolute_end: seconds(info.absoluteExpireTime),
  };
}

function seconds(time: Timestamp | undefined): number {
  return Number(time?.seconds ?? 0n);
}

/** The answer of SessionService.Revoke. */
export function revoke(
  state: State,
  question: MessageShape<Revoke["input"]>,
  requestId: string,
): MessageInitShape<Revoke["output"]> {
  const { target, context, cookies } = question;
  if (target.case === undefined) {
    const fields = [{ field: "target", description: "is required" }];
    throw errorOf({ code: "INVALID_ARGUMENT", reason: "INVALID_FIELD", message: "target is required", fields });
  }
  const own = use(state, question, requestId);
  if ("case" in own) {
    if (own.case === "denied") {
      return { denied: own.value, ...answerOf(own) };
    }
    return target.case === "presentedSession" ? answerOf(own) : { inactive: own.value, ...answerOf(own) };
  }
  const end = endOf(target, own);
  if (end === undefined) {
    const remedy = "Send end: a session's public id, or others.";
    return { answer: problem(400, "request_malformed", "The request can't be read", remedy, requestId) };
  }
  const meant = of(state, own).filter((one) => (end === "others" ? one !== own : one.info.sessionId === end));
  const count = ended(state, ...meant);
  const answer = json(200, { message: `${String(count)} sessions were ended`, revoked_count: count });
  const [name = ""] = state.settings.sessionCookieNames;
  const cleared = meant.includes(own) && cookies.length > 0 ? [setCookie(state.settings, name, "", 0)] : [];
  return { revokedCount: count, ...(context ? { answer: { ...answer, setCookies: cleared } } : {}) };
}

/** Which session to end, by its public id, or `others`; nothing where a browser said neither. */
function endOf(target: MessageShape<Revoke["input"]>["target"], own: Kept): string | undefined {
  switch (target.case) {
    case "sessionId":
      return target.value;
    case "allOthers":
      return "others";
    case "form":
      return aim(new URLSearchParams(textOf(target.value)).get("end"));
    case "json":
      return aim(member(textOf(target.value)));
    default:
      return own.info.sessionId;
  }
}

function member(text: string): unknown {
  try {
    return fromJsonString(StructSchema, text).fields["end"]?.kind.value;
  } catch {
    return undefined;
  }
}

function aim(end: unknown): string | undefined {
  return typeof end === "string" && (end === "others" || end.startsWith("sid_")) ? end : undefined;
}
