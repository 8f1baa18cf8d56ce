/** What the client does about options, failures, repeats and answers, with a transport that says what the test tells it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { tokenRule, type TokenNeeds } from "../src/bearer.js";
import { Client, type ClientOptions, type Reason } from "../src/index.js";
import {
  errorOf,
  GatelodgeError,
  InconclusiveError,
  InternalError,
  OptionsError,
  StoreUnavailableError,
} from "../src/errors.js";
import { settle } from "../src/options.js";
import { AdminService, ListSessionsResponseSchema } from "../src/gen/gatelodge/v1/admin_pb.js";
import { ErrorReason } from "../src/gen/gatelodge/v1/error_reason_pb.js";
import { LoginService } from "../src/gen/gatelodge/v1/login_pb.js";
import {
  GetAccessTokenResponseSchema,
  SessionService,
  ValidateSessionRequestSchema,
  ValidateSessionResponseSchema,
  type Requirements,
} from "../src/gen/gatelodge/v1/session_pb.js";
import {
  TokenService,
  ValidateTokenRequestSchema,
  ValidateTokenResponseSchema,
  type TokenRequirements,
} from "../src/gen/gatelodge/v1/token_pb.js";
import { consoleLogger, logFailure } from "../src/log.js";
import { MANNERS } from "../src/manners.js";
import { readTokenVerdict } from "../src/token-verdict.js";
import { personal, requirementsOf } from "../src/requirements.js";
import { readVerdict } from "../src/verdict.js";
import { pathAndQuery } from "../src/presented.js";
import { FakeAuthority } from "../src/testing.js";
import type { Attempt, Transport } from "../src/transport.js";
import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";

const GOOD = { GATELODGE_ADDRESS: "http://127.0.0.1:50051", GATELODGE_API_KEY: "glk_x" };

describe("options", () => {
  for (const [name, setting, environment] of [
    ["no address", "GATELODGE_ADDRESS", { GATELODGE_ADDRESS: "" }],
    ["neither address nor key", "GATELODGE_ADDRESS", { GATELODGE_ADDRESS: "", GATELODGE_API_KEY: "" }],
    ["an address without a scheme", "GATELODGE_ADDRESS", { GATELODGE_ADDRESS: "127.0.0.1:50051" }],
    ["an address with a path", "GATELODGE_ADDRESS", { GATELODGE_ADDRESS: "http://127.0.0.1:50051/x" }],
    ["an address with a port that is none", "GATELODGE_ADDRESS", { GATELODGE_ADDRESS: "http://127.0.0.1:99999" }],
    ["no key", "GATELODGE_API_KEY", { GATELODGE_API_KEY: "" }],
    ["a key with a line end", "GATELODGE_API_KEY", { GATELODGE_API_KEY: "glk_x\ny" }],
    ["a tenant with a line end", "GATELODGE_TENANT", { GATELODGE_TENANT: "ac\nme" }],
    ["a number of answers that is none", "GATELODGE_KEEP_ANSWERS", { GATELODGE_KEEP_ANSWERS: "many" }],
    ["fewer answers than none", "GATELODGE_KEEP_ANSWERS", { GATELODGE_KEEP_ANSWERS: "-1" }],
    ["files without TLS", "GATELODGE_CA_FILE", { GATELODGE_CA_FILE: "/dev/null" }],
    [
      "a file that is not there",
      "GATELODGE_CA_FILE",
      { GATELODGE_ADDRESS: "https://auth.example", GATELODGE_CA_FILE: "/nowhere" },
    ],
    [
      "a file that holds no certificate",
      "GATELODGE_CA_FILE",
      { GATELODGE_ADDRESS: "https://auth.example", GATELODGE_CA_FILE: "/dev/null" },
    ],
    [
      "a certificate without its key",
      "GATELODGE_KEY_FILE",
      { GATELODGE_ADDRESS: "https://auth.example", GATELODGE_CERT_FILE: "/dev/null" },
    ],
  ] as const) {
    test(`${name} is a fault that names it`, () => {
      assert.throws(
        () => settle({}, { ...GOOD, ...environment }),
        (fault: unknown) =>
          fault instanceof OptionsError && fault.setting === setting && fault.message.includes(setting),
      );
    });
  }

  test("answers are kept unless it is turned off", () => {
    assert.equal(settle({}, GOOD).keepAnswers, 16_384);
    assert.equal(settle({}, { ...GOOD, GATELODGE_KEEP_ANSWERS: "0" }).keepAnswers, 0);
    assert.equal(settle({ keepAnswers: 5 }, { ...GOOD, GATELODGE_KEEP_ANSWERS: "0" }).keepAnswers, 5);
    assert.throws(() => settle({ keepAnswers: 1.5 }, GOOD), /keepAnswers/);
  });

  test("the scheme decides TLS and the usual port", () => {
    assert.deepEqual(settle({}, GOOD).tls, null);
    const { target, tls } = settle({ address: "https://[::1]/" }, GOOD);
    assert.equal(target, "[::1]:443");
    assert.notEqual(tls, null);
  });
});

function asking(send: (attempt: Attempt, nth: number) => Promise<Message>, options: ClientOptions = {}) {
  const calls: { at: number; attempt: Attempt }[] = [];
  const transport = {
    send: (attempt: Attempt) => {
      calls.push({ at: Date.now(), attempt });
      return send(attempt, calls.length);
    },
    close: () => undefined,
  };
  return { calls, client: new Client({ apiKey: "glk_x", ...options, transport }) };
}

const refused = (reason: Reason | undefined, retryAfterMs?: number) => (): Promise<Message> =>
  Promise.reject(errorOf({ code: "UNAVAILABLE", message: "as the test says", reason, retryAfterMs }));

const saying =
  <D extends DescMessage>(schema: D, answer: MessageInitShape<D>) =>
  (): Promise<Message> =>
    Promise.resolve(create(schema, answer));

describe("calls", () => {
  test("every reason has a class of its own", () => {
    const reasons = Object.keys(ErrorReason).filter((name) => !/^\d+$/.test(name) && name !== "UNSPECIFIED");
    const classes = new Set(reasons.map((reason) => errorOf({ code: "UNKNOWN", message: "", reason }).constructor));
    assert.equal(classes.size, reasons.length);
    assert.ok(!classes.has(GatelodgeError));
    assert.equal(errorOf({ code: "ABORTED", message: "", reason: "OF_THE_FUTURE" }).constructor, GatelodgeError);
  });

  test("an absent store is asked again, no sooner than asked for", async () => {
    const { calls, client } = asking((_, nth) => refused(nth < 3 ? "STORE_UNAVAILABLE" : "INTERNAL", 120)());
    await assert.rejects(client.login.getEdgeSettings({}));
    assert.ok(calls.length >= 3);
    assert.ok((calls[1]?.at ?? 0) - (calls[0]?.at ?? 0) >= 119);
  });

  test("what can't be reached is asked once more", async () => {
    const { calls, client } = asking(refused(undefined));
    await assert.rejects(client.login.getEdgeSettings({}), { name: "UnreachableError" });
    assert.equal(calls.length, 2);
  });

  test("a login is not begun twice, and a provider in trouble is not asked again", async () => {
    const { calls, client } = asking(refused("STORE_UNAVAILABLE"));
    await assert.rejects(client.login.startLogin({}), StoreUnavailableError);
    assert.equal(calls.length, 1);
    const other = asking(refused("PROVIDER_UNAVAILABLE"));
    await assert.rejects(other.client.sessions.refreshTokens({}));
    assert.equal(other.calls.length, 1);
  });

  test("a logout has eight seconds, and is repeated once", async () => {
    const { calls, client } = asking(refused("STORE_UNAVAILABLE"));
    const { startLogout, handleBackchannelLogout, handleFrontchannelLogout } = client.login;
    for (const logOut of [startLogout, handleBackchannelLogout, handleFrontchannelLogout]) {
      await assert.rejects(logOut({}), StoreUnavailableError);
      const [first, ...others] = calls.splice(0);
      assert.ok(Math.abs((first?.attempt.deadline ?? 0) - (first?.at ?? 0) - 8000) < 500);
      assert.equal(others.length, 1);
    }
  });

  test("whatever else ends sessions has eight seconds too", async () => {
    const failed = errorOf({ code: "INTERNAL", reason: "INTERNAL", message: "as the test says" });
    const { calls, client } = asking(() => Promise.reject(failed));
    const { revoke, disableUser, deleteUser } = client.admin;
    for (const end of [client.sessions.revoke, revoke, disableUser, deleteUser]) {
      await assert.rejects(end({}), InternalError);
      const [first] = calls.splice(0);
      assert.ok(Math.abs((first?.attempt.deadline ?? 0) - (first?.at ?? 0) - 8000) < 500);
    }
  });

  test("an authority too old for a filter of sessions has listed too much", async () => {
    const { client } = asking(saying(ListSessionsResponseSchema, {}));
    await client.admin.listSessions({ userId: "a_1" });
    await assert.rejects(client.admin.listSessions({ provider: "a" }), InconclusiveError);
    const wrong = asking(saying(ListSessionsResponseSchema, { appliedFilter: { userId: "a_1" } }));
    await assert.rejects(wrong.client.admin.listSessions({ userId: "a_1", provider: "a" }), InconclusiveError);
    const createdAfter = { seconds: 5n };
    const right = asking(saying(ListSessionsResponseSchema, { appliedFilter: { userId: "a_1", createdAfter } }));
    await right.client.admin.listSessions({ userId: "a_1", createdAfter });
  });

  test("no token is handed out for another audience than was asked for", async () => {
    const token = (audience: string) =>
      saying(GetAccessTokenResponseSchema, { outcome: { case: "accessToken", value: { audience } } });
    await assert.rejects(asking(token("")).client.sessions.getAccessToken({ audience: "api" }), InconclusiveError);
    await assert.rejects(asking(token("other")).client.sessions.getAccessToken({}), InconclusiveError);
    await asking(token("api")).client.sessions.getAccessToken({ audience: "api" });
  });

  test("what refuses this caller is named: its key, or its tenant", () => {
    for (const [reason, setting] of [
      ["CALLER_NOT_ALLOWED", "GATELODGE_API_KEY"],
      ["TENANT_UNKNOWN", "GATELODGE_TENANT"],
    ] as const) {
      const failure = errorOf({ code: "PERMISSION_DENIED", reason, message: "no" });
      assert.ok(failure.message.endsWith(`check ${setting}`), failure.message);
      const said: string[] = [];
      const error = (text: string): void => void said.push(text);
      logFailure({ ...consoleLogger, error }, failure, {});
      assert.ok(said.length === 1 && said[0]?.endsWith(`check ${setting}`), said[0]);
    }
  });

  test("plaintext to another machine is told", () => {
    const isTold = (address: string): boolean => {
      let told = 0;
      const warn = (): void => void (told += 1);
      new Client({ address, apiKey: "glk_x", logger: { ...consoleLogger, warn } }).close();
      return told === 1;
    };
    const clear = ["http://10.0.0.1:50051", "http://auth.example.com", "http://127.example.com:1"];
    const safe = ["http://127.0.0.1:50051", "http://LOCALHOST", "http://[::1]:50051", "https://auth.example.com"];
    assert.deepEqual([...clear, ...safe].map(isTold), [...clear.map(() => true), ...safe.map(() => false)]);
  });

  test("attributes are not changed twice", async () => {
    const { calls, client } = asking(refused("STORE_UNAVAILABLE"));
    await assert.rejects(client.sessions.updateAttributes({}), StoreUnavailableError);
    assert.equal(calls.length, 1);
  });

  test("every method of the contract has its manner, and a call", async () => {
    const { calls, client } = asking(refused("INTERNAL"), { deadlineMs: 1 });
    const services = [
      [LoginService, client.login],
      [SessionService, client.sessions],
      [TokenService, client.tokens],
      [AdminService, client.admin],
    ] as const;
    for (const [service, its] of services) {
      for (const method of service.methods.filter(({ methodKind }) => methodKind === "unary")) {
        assert.ok(MANNERS[`${service.typeName}/${method.name}`], method.name);
        const call = its[method.localName as keyof typeof its] as (question: object) => Promise<unknown>;
        await assert.rejects(call({}));
        assert.equal(calls.pop()?.attempt.method, method);
      }
    }
    await assert.rejects(client.sessions.watchSessions({}).next(), { code: "UNIMPLEMENTED" });
  });

  test("the key and a plain request id go along", async () => {
    const { calls, client } = asking(refused("INTERNAL"), { deadlineMs: 1 });
    await assert.rejects(client.admin.listSessions({}, { requestId: "a-b" }));
    await assert.rejects(client.admin.listSessions({}, { requestId: "a\nb" }));
    assert.deepEqual(calls[0]?.attempt.metadata, { authorization: "Bearer glk_x", "x-request-id": "a-b" });
    assert.deepEqual(calls[1]?.attempt.metadata, { authorization: "Bearer glk_x" });
  });

  test("a client names its tenant with every call and stream", async () => {
    const authority = new FakeAuthority();
    const said: (string | undefined)[] = [];
    const transport: Transport = {
      ...authority.transport,
      send: (attempt) => {
        said.push(attempt.metadata["x-tenant-id"]);
        return authority.transport.send(attempt);
      },
      open: (attempt, listener) => {
        said.push(attempt.metadata["x-tenant-id"]);
        return authority.transport.open(attempt, listener);
      },
    };
    const { apiKey } = authority;
    for (const tenant of ["acme", undefined]) {
      const client = new Client({ apiKey, tenant, keepAnswers: 1, checkStream: true, transport });
      const { cookie } = authority.signIn();
      const cookies = [{ name: "session", value: Buffer.from(cookie.slice("session=".length)) }];
      // Two at once open the stream of checks, and the first answer the one that is watched.
      await Promise.all([{ cookies }, { cookies: [] }].map((question) => client.sessions.check(question)));
      await client.login.getEdgeSettings({});
      assert.ok(said.length >= 5, "calls and both streams");
      assert.deepEqual(new Set(said.splice(0)), new Set([tenant]));
      client.close();
    }
    assert.equal(settle({}, { ...GOOD, GATELODGE_TENANT: "globex" }).tenant, "globex");
    assert.equal(settle({}, { ...GOOD, GATELODGE_TENANT: "" }).tenant, undefined);
  });

  test("a closed client says so", async () => {
    const { client } = asking(refused("INTERNAL"));
    client.close();
    await assert.rejects(client.login.getEdgeSettings({}), { code: "CANCELLED" });
  });
});

describe("answers", () => {
  // contract.md, 3: an older authority passes over what it does not know, and its yes is then worth nothing.
  const every: Readonly<Record<string, { needs: TokenNeeds; judgedLess: object }>> = {
    "a scope": { needs: { scopes: ["a", "b"] }, judgedLess: { scopes: ["a"] } },
    "one of two scopes": { needs: { anyScopes: ["a", "b"] }, judgedLess: { anyScopes: ["a", "c"] } },
    "a permission": { needs: { permissions: ["p"] }, judgedLess: { permissions: ["q"] } },
    "one of two permissions": { needs: { anyPermissions: ["p", "q"] }, judgedLess: { anyPermissions: ["r"] } },
    "a role": { needs: { roles: ["clerk"] }, judgedLess: { roles: ["guest"] } },
    "a class of login": { needs: { acrValues: ["2", "1"] }, judgedLess: { acrValues: ["2", "0"] } },
    "a method of login": { needs: { amrValues: ["otp", "pwd"] }, judgedLess: { amrValues: ["pwd"] } },
    "a verified address": { needs: { emailVerified: true }, judgedLess: { emailVerified: false } },
    "a fresh login": { needs: { maxLoginAgeSeconds: 60 }, judgedLess: { maxLoginAge: { seconds: 61n } } },
  };
  const ofSession = (requirements: Requirements, judged: object): string =>
    readVerdict(
      create(ValidateSessionRequestSchema, { requirements }),
      create(ValidateSessionResponseSchema, {
        outcome: { case: "active", value: { identity: { userId: "a_1" }, session: {}, judged } },
      }),
    ).kind;
  const ofToken = (requirements: TokenRequirements, judged: object): string =>
    readTokenVerdict(
      create(ValidateTokenRequestSchema, { requirements }),
      create(ValidateTokenResponseSchema, { outcome: { case: "active", value: { identity: {}, judged } } }),
    ).kind;

  for (const [what, { needs, judgedLess }] of Object.entries(every)) {
    test(`${what} that was not judged is no yes`, () => {
      assert.equal(ofSession(requirementsOf(needs), personal(needs)), "active");
      const { requirements } = tokenRule(needs);
      assert.equal(ofToken(requirements, personal(needs)), "active");
      for (const judged of [{}, judgedLess]) {
        assert.throws(() => ofSession(requirementsOf(needs), judged), InconclusiveError);
        assert.throws(() => ofToken(requirements, judged), InconclusiveError);
      }
    });
  }

  test("what was not asked for need not be judged, and of several one judged is enough", () => {
    assert.equal(ofSession(requirementsOf({}), {}), "active");
    const needs = { anyScopes: ["a", "b"], maxLoginAgeSeconds: 60 };
    assert.equal(ofSession(requirementsOf(needs), { anyScopes: ["b"], maxLoginAge: { seconds: 59n } }), "active");
    assert.throws(() => requirementsOf({ maxLoginAgeSeconds: 0.5 }), OptionsError);
  });

  test("a user whom nobody was asked about is no yes", () => {
    const read = (active: object): string =>
      readTokenVerdict(
        create(ValidateTokenRequestSchema, { refresh: true }),
        create(ValidateTokenResponseSchema, { outcome: { case: "active", value: active } }),
      ).kind;
    assert.throws(() => read({ identity: { userId: "a_1" } }), InconclusiveError);
    assert.equal(read({ identity: { userId: "a_1" }, refreshTime: { seconds: 1n } }), "active");
    assert.equal(read({ identity: {} }), "active", "a program has no user to ask about");
  });

  test("a token's audience has to be judged", () => {
    const { requirements } = tokenRule({ audience: "api" });
    assert.equal(ofToken(requirements, { audience: "api" }), "active");
    for (const judged of [{}, { audience: "other" }]) {
      assert.throws(() => ofToken(requirements, judged), InconclusiveError);
    }
    const said = (outcome: object) => create(ValidateTokenResponseSchema, outcome);
    for (const outcome of [{}, { outcome: { case: "active", value: { judged: {} } } }]) {
      assert.throws(() => readTokenVerdict(create(ValidateTokenRequestSchema), said(outcome)), InconclusiveError);
    }
  });

  test("an outcome that is not known is neither yes nor no", () => {
    assert.throws(
      () => readVerdict(create(ValidateSessionRequestSchema), create(ValidateSessionResponseSchema)),
      InconclusiveError,
    );
  });

  test("a request line that is a whole URL has a path and a query", () => {
    assert.equal(pathAndQuery("http://a.example/b?c"), "/b?c");
    assert.equal(pathAndQuery("http://a.example?c"), "/?c");
    assert.equal(pathAndQuery("//b?c=http://d/e"), "//b?c=http://d/e");
  });
});
