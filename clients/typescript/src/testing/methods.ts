/** Owns what the fake authority answers to each method. A new method needs a row here. */
import { type DescMethodUnary, type Message, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";
import { milliseconds } from "../duration.js";
import { errorOf, type Reason } from "../errors.js";
import { AdminService } from "../gen/gatelodge/v1/admin_pb.js";
import { LoginService } from "../gen/gatelodge/v1/login_pb.js";
import { TokenService } from "../gen/gatelodge/v1/token_pb.js";
import { CsrfRequirement, SessionService, type Requirements } from "../gen/gatelodge/v1/session_pb.js";
import { UserState, type UserSchema } from "../gen/gatelodge/v1/user_pb.js";
import { HEALTH_CHECK, SERVING } from "../health.js";
import { denied, inactive, json, setCookie } from "./answers.js";
import { handleBackchannelLogout, handleFrontchannelLogout } from "./channels.js";
import { device, revoke, userInfo, using } from "./devices.js";
import { completeCallback, startLogin, startLogout, stateInvalid } from "./logins.js";
import { judge, presented, textOf, type Kept } from "./session.js";
import { judgeToken } from "./tokens.js";
import { ended, living, of, type KeptAttributes, type State } from "./state.js";

type Answers<M extends DescMethodUnary> = (
  state: State,
  question: MessageShape<M["input"]>,
  requestId: string,
) => MessageInitShape<M["output"]>;
const KEEP_FOR_MS = 5000;
type Any = (state: State, question: Message, requestId: string) => MessageInitShape<DescMethodUnary["output"]>;

const { login, session, token, admin } = {
  login: LoginService.method,
  session: SessionService.method,
  token: TokenService.method,
  admin: AdminService.method,
};

/** The answers, by the method's full name. */
export const METHODS: Readonly<Record<string, Any>> = Object.fromEntries([
  row(HEALTH_CHECK, () => ({ value: SERVING })),
  row(login.getEdgeSettings, ({ settings }) => ({ settings })),
  row(login.listProviders, ({ settings }) => ({
    providers: [{ name: "fake", displayName: "Fake", loginPath: "/auth/web/login?provider=fake" }],
    settingsVersion: settings.version,
  })),
  row(login.startLogin, startLogin),
  row(login.completeCallback, completeCallback),
  row(login.startLogout, startLogout),
  // It knows no state, since there is no provider to come back from.
  row(login.completeLogout, ({ settings }, _, requestId) => ({
    answer: stateInvalid("You are logged out. This page was reached without a logout begun here.", requestId),
    settingsVersion: settings.version,
  })),
  row(login.handleBackchannelLogout, handleBackchannelLogout),
  row(login.handleFrontchannelLogout, handleFrontchannelLogout),
  row(session.validateSession, validateSession),
  row(session.refreshTokens, (state, question, requestId) =>
    using(state, question, requestId, (one) => ({
      outcome: { case: "refreshed" as const, value: { session: one.info } },
      answer: json(200, { message: "Tokens refreshed", expires_at: null }),
    })),
  ),
  // One that names the user.
  row(session.getAccessToken, (state, { cookies, audience }) => {
    const found = presented(state.sessions, cookies);
    if (typeof found === "number") {
      return { outcome: { case: "inactive" as const, value: { reason: found } } };
    }
    const { userId, scopes } = found.identity;
    const value = { value: `access_${userId}`, type: "Bearer", scopes, audience };
    return { outcome: { case: "accessToken" as const, value } };
  }),
  row(session.getUserInfo, (state, question, requestId) =>
    using(state, question, requestId, (one) => ({
      outcome: { case: "userInfo" as const, value: { identity: one.identity, session: one.info } },
      answer: json(200, userInfo(one)),
    })),
  ),
  row(session.listUserSessions, (state, question, requestId) =>
    using(state, question, requestId, (own) => {
      const theirs = of(state, own);
      return {
        outcome: {
          case: "userSessions" as const,
          value: { sessions: theirs.map((one) => ({ session: one.info, current: one === own })) },
        },
        answer: json(200, { sessions: theirs.map((one) => device(one, one === own)), next_page_token: "" }),
      };
    }),
  ),
  row(session.getAttributes, (state, { cookies }) => {
    const own = presented(state.sessions, cookies);
    return typeof own === "number"
      ? { outcome: { case: "inactive" as const, value: { reason: own } } }
      : { outcome: { case: "attributes" as const, value: attributes(state, own) } };
  }),
  row(session.updateAttributes, (state, { cookies, expectedVersion, set, remove }) => {
    const own = presented(state.sessions, cookies);
    if (typeof own === "number") {
      return { outcome: { case: "inactive" as const, value: { reason: own } } };
    }
    const before = attributes(state, own);
    if (before.version !== expectedVersion) {
      throw errorOf({ code: "ABORTED", reason: "VERSION_CONFLICT", message: "Another version is kept by now." });
    }
    const entries = Object.entries({ ...before.values, ...set }).filter(([name]) => !remove.includes(name));
    const kept = { values: Object.fromEntries(entries), version: before.version + 1n };
    state.attributes.set(own.info.sessionId, kept);
    return { outcome: { case: "attributes" as const, value: kept } };
  }),
  row(session.revoke, revoke),
  // Where it has issued no bearer token it says what an authority says that checks none; and it mints none.
  row(token.validateToken, ({ tokens }, question, requestId) =>
    tokens.size === 0
      ? off("TOKEN_CHECK_OFF", "The fake authority has issued no access tokens.")
      : { outcome: judgeToken(tokens, question, requestId) },
  ),
  row(token.mintToken, () => off("MINTING_OFF", "The fake authority mints no tokens.")),
  row(token.getJwks, () => off("MINTING_OFF", "The fake authority mints no tokens.")),
  row(admin.listSessions, (state, { userId, provider, providerSessionId, createdAfter, createdBefore }) => ({
    sessions: living(state)
      .filter(({ identity, info, providerSession }) => {
        const created = moment(info.createTime);
        return (
          (userId === "" || identity.userId === userId) &&
          (provider === "" || identity.provider === provider) &&
          (providerSessionId === "" || providerSession === providerSessionId) &&
          (createdAfter === undefined || created >= moment(createdAfter)) &&
          (createdBefore === undefined || created < moment(createdBefore))
        );
      })
      .map(shown),
    appliedFilter: {
      userId,
      provider,
      providerSessionId,
      ...(createdAfter ? { createdAfter } : {}),
      ...(createdBefore ? { createdBefore } : {}),
    },
  })),
  row(admin.getSession, (state, { sessionId }) => {
    const one = living(state).find(({ info }) => info.sessionId === sessionId);
    if (!one) {
      throw errorOf({ code: "NOT_FOUND", reason: "SESSION_NOT_FOUND", message: "No living session has this id." });
    }
    return { session: shown(one) };
  }),
  row(admin.revoke, (state, { target }) => {
    required("target", target.case);
    const count = ended(state, ...meant(state, target));
    const isCounted = target.case === "sessionId" || target.case === "userId" || target.case === "providerSession";
    return { revokedCount: BigInt(isCounted ? count : 0) };
  }),
  row(admin.previewRevoke, (state, { target }) => {
    required("target", target.case);
    return { count: BigInt(meant(state, target).length), exact: true };
  }),
  row(admin.getUser, (state, { userId }) => ({ user: user(state, userId) })),
  row(admin.listUsers, (state) => ({
    users: [...new Set([...state.sessions.values()].map(({ identity }) => identity.userId))]
      .filter((id) => !state.deleted.has(id))
      .map((id) => user(state, id)),
  })),
  row(admin.disableUser, (state, { userId }) => {
    user(state, userId);
    state.disabled.add(userId);
    return {
      revokedCount: BigInt(ended(state, ...living(state).filter(({ identity }) => identity.userId === userId))),
    };
  }),
  row(admin.enableUser, (state, { userId }) => {
    user(state, userId);
    state.disabled.delete(userId);
    return {};
  }),
  row(admin.createCallerKey, ({ callerKeys }, { name, role, rpcs, tenants }) => {
    const key = { keyId: `key_${name}`, name, caller: `default/${name}`, role, rpcs, tenants };
    callerKeys.set(key.keyId, key);
    return { key, apiKey: `glk_${name}` };
  }),
  row(admin.listCallerKeys, ({ callerKeys }) => ({ keys: [...callerKeys.values()] })),
  row(admin.revokeCallerKey, ({ callerKeys }, { keyId }) => ({ revoked: callerKeys.delete(keyId) })),
  // The fake writes nothing down.
  row(admin.listAudit, auditIsOff),
  row(admin.explainLogin, auditIsOff),
  row(admin.deleteUser, (state, { userId }) => {
    user(state, userId);
    state.deleted.add(userId);
    return {
      revokedCount: BigInt(ended(state, ...living(state).filter(({ identity }) => identity.userId === userId))),
    };
  }),
]);

function row<M extends DescMethodUnary>(method: M, answers: Answers<M>): [string, Any] {
  return [`${method.parent.typeName}/${method.name}`, answers as unknown as Any];
}

function auditIsOff(): never {
  throw errorOf({
    code: "FAILED_PRECONDITION",
    reason: "AUDIT_OFF",
    message: "This authority keeps no audit entries.",
  });
}

function attributes(state: State, own: Kept): KeptAttributes {
  return state.attributes.get(own.info.sessionId) ?? { values: {}, version: 0n };
}

function user(state: State, userId: string): MessageInitShape<typeof UserSchema> {
  const known = [...state.sessions.values()].find(({ identity }) => identity.userId === userId);
  if (known === undefined) {
    throw errorOf({ code: "NOT_FOUND", reason: "USER_NOT_FOUND", message: "No user has this id." });
  }
  if (state.deleted.has(userId)) {
    return { userId, state: UserState.DELETED };
  }
  const { provider, sub, email } = known.identity;
  return { userId, provider, sub, email, state: state.disabled.has(userId) ? UserState.DISABLED : UserState.ACTIVE };
}

function required(field: string, value: unknown): void {
  if (value === undefined) {
    throw errorOf({
      code: "INVALID_ARGUMENT",
      reason: "INVALID_FIELD",
      message: `${field} is required`,
      fields: [{ field, description: "is required" }],
    });
  }
}

function off(reason: Reason, message: string): never {
  throw errorOf({ code: "FAILED_PRECONDITION", reason, message });
}

function meant(state: State, { case: kind, value }: MessageShape<typeof admin.revoke.input>["target"]): Kept[] {
  return living(state).filter(({ identity, info, providerSession }) => {
    switch (kind) {
      case "sessionId":
        return info.sessionId === value;
      case "userId":
        return identity.userId === value;
      case "providerSession":
        return identity.provider === value.provider && providerSession === value.providerSessionId;
      case "provider":
        return identity.provider === value;
      default: // the tenant, of which there is one, or everything
        return kind !== undefined;
    }
  });
}

function moment(time: Timestamp | undefined): number {
  return time ? timestampMs(time) : 0;
}

function shown({ identity, info }: Kept) {
  return { identity, info };
}

/** How whoever asked may keep an answer: while time alone changes nothing about it. */
function keeping({ events }: State, { loginTime }: Kept, requirements: Requirements | undefined): object {
  const age = requirements?.maxLoginAge;
  const byLogin = age ? loginTime + milliseconds(age) - Date.now() : Infinity;
  const keepFor = Math.min(KEEP_FOR_MS, byLogin);
  return keepFor > 0 ? { eventPosition: events.position, keepFor: durationFromMs(keepFor) } : {};
}

function validateSession(
  state: State,
  question: MessageShape<typeof session.validateSession.input>,
  requestId: string,
): MessageInitShape<typeof session.validateSession.output> {
  const { settings } = state;
  const { cookies, context, requirements, canSetCookies, issueCsrfToken } = question;
  const settingsVersion = settings.version;
  if (requirements?.csrf === CsrfRequirement.REQUIRED && !context) {
    const message = "CSRF can't be judged without a context.";
    throw errorOf({ code: "INVALID_ARGUMENT", reason: "CONTEXT_REQUIRED", message });
  }
  const one = presented(state.sessions, cookies);
  if (typeof one === "number") {
    return {
      outcome: { case: "inactive", value: inactive(one, question, requestId) },
      settingsVersion,
    };
  }
  const judged = state.denial || judge(one, requirements, context, settings);
  if (typeof judged === "number") {
    return { outcome: { case: "denied", value: denied(judged, one, question, settings, requestId) }, settingsVersion };
  }
  const isNewest = cookies.some(({ value }) => textOf(value) === one.renewedCookie);
  const newer = canSetCookies && !isNewest ? one.renewedCookie : undefined;
  const active = {
    identity: one.identity,
    session: one.info,
    judged,
    setCookies: newer === undefined ? [] : [setCookie(settings, settings.sessionCookieNames[0] ?? "", newer, 86400)],
    csrfToken: issueCsrfToken || newer !== undefined ? one.csrfToken : "",
    ...(issueCsrfToken || newer !== undefined ? {} : keeping(state, one, requirements)),
  };
  return { outcome: { case: "active", value: active }, settingsVersion };
}
