/** What is kept, by a clock of the test's own, and whom it is kept for. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import type { CallOptions } from "../src/caller.js";
import { errorOf, GatelodgeError } from "../src/errors.js";
import { AdminService } from "../src/gen/gatelodge/v1/admin_pb.js";
import { LoginService } from "../src/gen/gatelodge/v1/login_pb.js";
import { RequestContextSchema } from "../src/gen/gatelodge/v1/presented_pb.js";
import {
  CsrfRequirement,
  InactiveSessionSchema,
  SessionEventKind,
  SessionService,
  RequirementsSchema,
  ValidateSessionRequestSchema,
  ValidateSessionResponseSchema,
  WatchSessionsResponseSchema,
  type ValidateSessionRequest,
  type ValidateSessionResponse,
} from "../src/gen/gatelodge/v1/session_pb.js";
import { forgetChanged } from "../src/kept/changes.js";
import { KeepingSessions } from "../src/kept/keeping.js";
import { BYTES_EACH, Kept, SILENCE_MS, STALENESS_MS } from "../src/kept/kept.js";
import { keyOf, TELL_CLIENTS_APART, TELLS_CLIENTS_APART, type Question } from "../src/kept/question.js";
import { textOf } from "../src/latin1.js";
import { LISTS_NEEDED } from "../src/requirements.js";
import { Watch } from "../src/kept/watch.js";
import type { OpenStream, StreamListener } from "../src/wire.js";
import type { Verdict } from "../src/verdict.js";

const LONG_MS = 60_000;
const OF_THE_FUTURE = 99 as never as SessionEventKind;
const utf8 = (text: string): Uint8Array => Buffer.from(text);
const question = (cookie = "a"): Question => ({
  cookies: [{ name: "session", value: utf8(cookie) }],
  context: { method: utf8("GET"), target: utf8("/"), userAgent: utf8("A") },
  canSetCookies: true,
});

const active = (position: number, keepForMs: number | undefined, more: object = {}) =>
  create(ValidateSessionResponseSchema, {
    outcome: {
      case: "active",
      value: {
        identity: { userId: "a_1", scopes: ["read"] },
        session: { sessionId: "sid_1" },
        judged: {},
        eventPosition: Uint8Array.of(position),
        ...(keepForMs === undefined
          ? {}
          : { keepFor: { seconds: BigInt(Math.floor(keepForMs / 1000)), nanos: (keepForMs % 1000) * 1e6 } }),
        ...more,
      },
    },
  });

interface Told {
  readonly events?: readonly { kind: SessionEventKind; sessionId: string }[];
  readonly reset?: boolean;
  readonly isTrusted?: boolean;
}

/** A client's part, whose authority says what the test tells it, and whose clock goes as the test lets it. */
class Scene {
  at = 1000;
  /** What was asked, each waiting for its answer. */
  readonly asked: { question: ValidateSessionRequest; answer: (with_: ValidateSessionResponse | Error) => void }[] = [];
  watched = 0;
  readonly kept: Kept;
  readonly #keeping: KeepingSessions;

  constructor(most = 8) {
    this.kept = new Kept(most, () => this.at);
    this.#keeping = new KeepingSessions(
      this.kept,
      new Watch(
        this.kept,
        () => {
          this.watched += 1;
          return nothing;
        },
        () => undefined,
      ),
      {
        ask: (question) =>
          new Promise((resolve, reject) => {
            const answer = (with_: ValidateSessionResponse | Error): void => {
              if (with_ instanceof Error) {
                reject(with_);
              } else {
                resolve(with_);
              }
            };
            this.asked.push({ question, answer });
          }),
        deadlineMs: ({ deadlineMs = 2000 }) => deadlineMs,
      },
    );
  }

  check(what: Question = question(), how: CallOptions = {}): Promise<Verdict> {
    return this.#keeping.check(what, how);
  }

  /** Asks, and lets the authority answer. */
  async answered(what: Question, position: number, keepForMs: number | undefined): Promise<Verdict> {
    const checking = this.check(what);
    this.asked.pop()?.answer(active(position, keepForMs));
    return checking;
  }

  async isKnown(what: Question = question()): Promise<boolean> {
    const before = this.asked.length;
    const checking = this.check(what);
    if (this.asked.length === before) {
      await checking;
      return true;
    }
    this.asked.pop()?.answer(active(0, undefined));
    await checking;
    return false;
  }

  hear(position: number, more: Told = {}): void {
    const { events = [], reset = false, isTrusted = true } = more;
    const trust = isTrusted ? { maxStaleness: { seconds: 5n } } : {};
    const told = { events: [...events], reset, position: Uint8Array.of(position), ...trust };
    this.kept.hear(create(WatchSessionsResponseSchema, told));
  }

  hearOf(position: number, kind: SessionEventKind, sessionId = "sid_1"): void {
    this.hear(position, { events: [{ kind, sessionId }] });
  }
}

const nothing: OpenStream = {
  send: () => undefined,
  finish: () => undefined,
  cancel: () => undefined,
  abandon: () => undefined,
  hold: () => undefined,
  flow: () => undefined,
};

async function knowing(): Promise<Scene> {
  const scene = new Scene();
  scene.hear(1);
  await scene.answered(question(), 1, LONG_MS);
  assert.ok(await scene.isKnown());
  return scene;
}

describe("what is kept", () => {
  test("is used while the stream is whole", async () => {
    const early = new Scene();
    await early.answered(question(), 1, LONG_MS);
    assert.equal(early.watched, 1, "the watch begins with the first answer that may be kept");
    assert.ok(!(await early.isKnown()), "nobody vouched when it was asked");
    const scene = await knowing();
    scene.at += SILENCE_MS;
    assert.ok(!(await scene.isKnown()), "no message came");
    assert.equal(scene.kept.knownUpTo, "");
    scene.hear(2);
    assert.ok(await scene.isKnown(), "the stream went on where it was");
    scene.hear(3, { isTrusted: false });
    assert.ok(!(await scene.isKnown()), "the authority hears nothing itself");
    scene.hear(4);
    scene.kept.broken();
    assert.ok(!(await scene.isKnown()));
  });

  test("is never older than its answer allows, and its time runs from the question", async () => {
    const scene = await knowing();
    scene.kept.forgetAll();
    const checking = scene.check();
    scene.at += 300;
    scene.asked.pop()?.answer(active(1, 700));
    await checking;
    scene.at += 399;
    assert.ok(await scene.isKnown());
    scene.at += 1;
    assert.ok(!(await scene.isKnown()));
  });

  for (const kind of [
    SessionEventKind.REVOKED,
    SessionEventKind.ROTATED,
    SessionEventKind.REFRESHED,
    SessionEventKind.CHANGED,
    SessionEventKind.USER_REVOKED,
    SessionEventKind.USER_DISABLED,
    SessionEventKind.PROVIDER_REVOKED,
    SessionEventKind.TENANT_REVOKED,
    SessionEventKind.KEYS_ROTATED,
    OF_THE_FUTURE,
  ]) {
    test(`is forgotten at the event ${kind === OF_THE_FUTURE ? "of the future" : SessionEventKind[kind]}`, async () => {
      const scene = await knowing();
      const isOfOne = kind <= SessionEventKind.CHANGED;
      scene.hearOf(2, kind, isOfOne ? "sid_1" : "");
      assert.ok(!(await scene.isKnown()));
    });
  }

  test("is forgotten at a reset, at an event of one session that names none, and when this client changed it", async () => {
    for (const happen of [
      (scene: Scene) => {
        scene.hear(2, { reset: true });
      },
      (scene: Scene) => {
        scene.hearOf(2, SessionEventKind.REVOKED, "");
      },
      (scene: Scene) => {
        scene.kept.forgetCookies(["a"]);
      },
      (scene: Scene) => {
        scene.kept.forgetAll();
      },
    ]) {
      const scene = await knowing();
      happen(scene);
      assert.ok(!(await scene.isKnown()));
    }
  });

  // A call that failed has no count.
  const { startLogout, handleBackchannelLogout, handleFrontchannelLogout } = LoginService.method;
  const { revoke } = SessionService.method;
  const everywhere = { query: utf8("a=b&everywhere=true") };
  const presented = { target: { case: "presentedSession", value: {} } } as const;
  const another = { target: { case: "sessionId", value: "sid_of_another" } } as const;
  const own = { target: { case: "sessionId", value: "sid_1" } } as const;
  const form = { target: { case: "form", value: utf8("end=others") } } as const;
  for (const [what, method, said, count, isKept, more] of [
    ["a provider's server ended none", handleBackchannelLogout, {}, 0, true],
    ["a provider's server ended one", handleBackchannelLogout, {}, 1, false],
    ["a provider's server may have ended some", handleBackchannelLogout, {}, undefined, false],
    ["a provider's server ended none with a repeat", handleBackchannelLogout, {}, 0, false, "repeated"],
    ["a provider's page ended none", handleFrontchannelLogout, {}, 0, true],
    ["a provider's page ended one", handleFrontchannelLogout, {}, 1, false],
    ["a provider's page may have ended some", handleFrontchannelLogout, {}, undefined, false],
    ["somebody else logged out", startLogout, {}, 1, true],
    ["nobody logged out", startLogout, {}, 0, true],
    ["a logout failed", startLogout, {}, undefined, false],
    ["a logout ended none with a repeat", startLogout, {}, 0, false, "repeated"],
    ["a logout ended several", startLogout, {}, 2, false],
    ["a logout everywhere ended none", startLogout, everywhere, 0, true],
    ["a logout everywhere ended one", startLogout, everywhere, 1, false],
    ["a logout everywhere failed", startLogout, everywhere, undefined, false],
    ["somebody else ended the own session", revoke, presented, 1, true],
    ["somebody ended another session", revoke, another, 1, true],
    ["somebody ended its session", revoke, own, 1, false],
    ["its id was named to no purpose", revoke, own, 0, true],
    ["somebody ended others by a form", revoke, form, 1, false],
    ["a form ended nobody", revoke, form, 0, true],
    ["a revocation was refused to its repeat", revoke, presented, 0, false, "repeated"],
    ["a revocation failed", revoke, another, undefined, false],
    ["an admin ended one", AdminService.method.revoke, {}, 1, false],
    ["an admin ended none", AdminService.method.revoke, {}, 0, false],
  ] as const) {
    test(`${isKept ? "stays" : "is forgotten"} when ${what}`, async () => {
      const scene = await knowing();
      const told = { revokedCount: count ?? 0, eventPosition: Uint8Array.from(count ? [7] : []) };
      const answer = count === undefined ? undefined : create(method.output as DescMessage, told);
      const asked = create(method.input as DescMessage, said);
      const name = `${method.parent.typeName}/${method.name}`;
      forgetChanged(scene.kept, name, asked, { answer, isRepeated: more === "repeated" });
      assert.equal(scene.kept.knownUpTo, count ? "\u0007" : "\u0001");
      assert.equal(await scene.isKnown(), isKept);
    });
  }

  const any = AdminService.method.disableUser;
  for (const [code, reason, method, isKept, more] of [
    ["INVALID_ARGUMENT", "INVALID_FIELD", revoke, true],
    ["UNAUTHENTICATED", "CALLER_UNAUTHENTICATED", revoke, true],
    ["PERMISSION_DENIED", undefined, any, true],
    ["FAILED_PRECONDITION", undefined, handleBackchannelLogout, true],
    ["UNIMPLEMENTED", "METHOD_UNKNOWN", handleFrontchannelLogout, true],
    ["RESOURCE_EXHAUSTED", "OVERLOADED", handleBackchannelLogout, true],
    ["RESOURCE_EXHAUSTED", undefined, handleBackchannelLogout, false],
    ["UNAVAILABLE", "PROVIDER_UNAVAILABLE", handleBackchannelLogout, true],
    ["UNAVAILABLE", "PROVIDER_UNAVAILABLE", handleFrontchannelLogout, true],
    ["UNAVAILABLE", "PROVIDER_UNAVAILABLE", startLogout, false],
    ["UNAVAILABLE", "STORE_UNAVAILABLE", handleBackchannelLogout, false],
    ["INTERNAL", "INTERNAL", startLogout, false],
    ["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", revoke, false],
    ["CANCELLED", undefined, revoke, false],
    ["INVALID_ARGUMENT", "INVALID_FIELD", revoke, false, "repeated"],
    ["RESOURCE_EXHAUSTED", "OVERLOADED", any, false, "repeated"],
  ] as const) {
    const status = `${code}${reason === undefined ? "" : `, ${reason}`}`;
    test(`${isKept ? "stays" : "is forgotten"} when ${method.name} ${more ?? "once"} fails with ${status}`, async () => {
      const scene = await knowing();
      const failure = errorOf({ code, reason, message: "as the test says" });
      const asked = create(method.input as DescMessage);
      const outcome = { answer: undefined, failure, isRepeated: more === "repeated" };
      forgetChanged(scene.kept, `${method.parent.typeName}/${method.name}`, asked, outcome);
      assert.equal(await scene.isKnown(), isKept);
    });
  }

  test("says nothing of the settings in force, which its own answer did", async () => {
    const scene = new Scene();
    scene.hear(1);
    const fresh = scene.check();
    scene.asked.pop()?.answer({ ...active(1, LONG_MS), settingsVersion: "1" });
    assert.equal((await fresh).settingsVersion, "1");
    assert.equal((await scene.check()).settingsVersion, "");
  });

  test("stays when its end was refused to somebody else, and is forgotten when it was refused to its own browser", async () => {
    const scene = await knowing();
    const answer = create(revoke.output, { inactive: create(InactiveSessionSchema) });
    const end = (asked: MessageInitShape<typeof revoke.input>): void => {
      const question = create(revoke.input, asked);
      forgetChanged(scene.kept, "gatelodge.v1.SessionService/Revoke", question, { answer, isRepeated: false });
    };
    end({ target: { case: "sessionId", value: "sid_1" } });
    assert.ok(await scene.isKnown());
    end({ ...form, cookies: [{ name: "session", value: utf8("a") }] });
    assert.ok(!(await scene.isKnown()));
  });

  test("stays when others end", async () => {
    const scene = await knowing();
    scene.hearOf(2, SessionEventKind.REVOKED, "sid_of_another");
    assert.ok(await scene.isKnown());
  });

  // store.md, 6.
  test("is nothing that was asked before something was forgotten", async () => {
    const scene = new Scene();
    scene.hear(1);
    const early = scene.check();
    scene.hearOf(5, SessionEventKind.REVOKED);
    scene.asked.pop()?.answer(active(9, LONG_MS));
    await early;
    assert.equal(scene.kept.size, 0);
    assert.ok(!(await scene.isKnown()), "it was asked before");
    // The replica that was asked has heard less than the one that is watched.
    await scene.answered(question(), 4, LONG_MS);
    assert.ok(!(await scene.isKnown()), "it rests on less than was heard");
    await scene.answered(question(), 5, LONG_MS);
    assert.ok(await scene.isKnown());
  });

  test("rests on nothing from before what this client has ended itself, while anybody may lag behind", async () => {
    const scene = await knowing();
    scene.kept.forgetAll();
    scene.kept.hasTold("\u0007");
    scene.kept.hasTold("\u0005");
    scene.kept.hasTold("");
    assert.equal(scene.kept.knownUpTo, "\u0007", "it never goes down");
    void scene.check();
    assert.equal(textOf(scene.asked.pop()?.question.asOfPosition), "\u0007");
    assert.equal(scene.kept.position, "\u0001", "the stream goes on where it was");
    await scene.answered(question("b"), 6, LONG_MS);
    assert.ok(!(await scene.isKnown(question("b"))));
    await scene.answered(question("b"), 7, LONG_MS);
    assert.ok(await scene.isKnown(question("b")));
    scene.kept.broken();
    assert.equal(scene.kept.knownUpTo, "\u0007", "also while nobody vouches");
    scene.at += STALENESS_MS;
    assert.equal(scene.kept.knownUpTo, "");
  });

  // A reset may come of an authority that lags behind.
  test("rests on nothing from before a reset before its time", async () => {
    const scene = await knowing();
    scene.hear(5);
    scene.hear(2, { reset: true });
    assert.deepEqual([scene.kept.knownUpTo, scene.kept.position], ["\u0005", "\u0002"]);
    await scene.answered(question(), 4, LONG_MS);
    assert.ok(!(await scene.isKnown()), "it rests on less than was heard");
    await scene.answered(question(), 5, LONG_MS);
    assert.ok(await scene.isKnown());
    scene.at += STALENESS_MS;
    scene.hear(2, { reset: true });
    scene.at += STALENESS_MS;
    scene.hear(2);
    assert.equal(scene.kept.knownUpTo, "\u0002", "the log begins anew");
    await scene.answered(question(), 2, LONG_MS);
    assert.ok(await scene.isKnown());
  });

  test("leaves memory at once when it is forgotten, alone, and soon when it has ended by itself", async () => {
    const other = question("b");
    const forgetting: readonly ((scene: Scene) => void)[] = [
      (scene) => {
        scene.kept.forgetCookies(["a"]);
      },
      (scene) => {
        scene.kept.forgetSession("sid_1");
      },
      (scene) => {
        scene.hearOf(1, SessionEventKind.REVOKED);
      },
    ];
    for (const forget of forgetting) {
      const scene = await knowing();
      const checking = scene.check(other);
      scene.asked.pop()?.answer(active(1, LONG_MS, { session: { sessionId: "sid_2" } }));
      await checking;
      assert.equal(scene.kept.size, 2);
      forget(scene);
      assert.equal(scene.kept.size, 1);
      assert.ok(await scene.isKnown(other));
      scene.at += LONG_MS;
      scene.hear(3);
      assert.equal(scene.kept.size, 0);
    }
  });

  test("takes the room of several where it is large", async () => {
    const scene = new Scene(2);
    scene.hear(1);
    const checking = scene.check();
    const identity = { userId: "a_1", name: "x".repeat(2 * BYTES_EACH - 900), scopes: [] };
    scene.asked.pop()?.answer(active(1, LONG_MS, { identity }));
    await checking;
    await scene.answered(question("b"), 1, LONG_MS);
    assert.equal(scene.kept.size, 1, "there is no room for a second");
    scene.kept.forgetAll();
    await scene.answered(question("b"), 1, LONG_MS);
    await scene.answered(question("c"), 1, LONG_MS);
    assert.equal(scene.kept.size, 2, "what was forgotten takes no room");
  });

  test("of one session takes not the room of others", async () => {
    const scene = new Scene(100);
    scene.hear(1);
    for (let nth = 0; nth < 40; nth += 1) {
      const context = { method: utf8("GET"), userAgent: utf8(String(nth)) };
      await scene.answered({ cookies: [{ name: "session", value: utf8("a") }], context }, 1, LONG_MS);
    }
    assert.equal(scene.kept.size, 16);
  });

  test("is bounded, and what does not fit is asked each time", async () => {
    const scene = await knowing();
    for (const cookie of "bcdefghij") {
      await scene.answered(question(cookie), 1, LONG_MS);
    }
    assert.equal(scene.kept.size, 8);
    assert.ok(await scene.isKnown());
    assert.ok(!(await scene.isKnown(question("j"))));
    scene.at += 1500;
    scene.hear(2);
    scene.at += LONG_MS - 1500;
    scene.hear(3);
    await scene.answered(question("k"), 3, LONG_MS);
    assert.equal(scene.kept.size, 1, "what has ended makes room");
  });

  test("can't be changed by whoever is given it", async () => {
    const scene = await knowing();
    const verdict = await scene.check();
    assert.ok(verdict.kind === "active");
    assert.throws(() => {
      verdict.session.identity.scopes.push("admin");
    }, TypeError);
  });

  for (const [what, more] of [
    ["cookies", { setCookies: ["session=b"] }],
    ["a CSRF token", { csrfToken: "t" }],
    ["no position", { eventPosition: new Uint8Array() }],
    ["no time to be kept for", { keepFor: undefined }],
  ] as const) {
    test(`is no answer with ${what}`, async () => {
      const scene = new Scene();
      scene.hear(1);
      const checking = scene.check();
      scene.asked.pop()?.answer(active(1, LONG_MS, more));
      await checking;
      assert.ok(!(await scene.isKnown()));
    });
  }

  test("is never a no", async () => {
    const scene = new Scene();
    scene.hear(1);
    for (const kind of ["inactive", "denied"] as const) {
      const checking = scene.check();
      scene.asked.pop()?.answer(create(ValidateSessionResponseSchema, { outcome: { case: kind, value: {} } }));
      assert.equal((await checking).kind, kind);
      assert.ok(!(await scene.isKnown()));
    }
  });
});

describe("a question", () => {
  const base = create(ValidateSessionRequestSchema, question());
  const of = (more: object): string | undefined => keyOf({ ...base, ...more });
  const context = (more: object): string | undefined => of({ context: { ...base.context, ...more } });
  const same = of({});

  test("is the same as far as its answer depends on it", () => {
    assert.ok(same !== undefined);
    const elsewhere = {
      method: utf8("HEAD"),
      target: utf8("/x"),
      accept: utf8("text/html"),
      secFetchMode: utf8("cors"),
    };
    assert.equal(context(elsewhere), same);
    assert.equal(of({ answerJson: true }), same);
    const requirements = (more: object): string | undefined => of({ requirements: more });
    const others = [
      of({ cookies: [{ name: "session", value: utf8("b") }] }),
      of({ cookies: [{ name: "other", value: utf8("a") }] }),
      of({ cookies: [...base.cookies, ...base.cookies] }),
      of({ canSetCookies: false }),
      of({ touch: true }),
      of({ touch: false }),
      of({ context: undefined }),
      requirements({}),
      requirements({ csrf: CsrfRequirement.NOT_REQUIRED }),
      requirements({ scopes: ["a"] }),
      requirements({ scopes: ["a", "b"] }),
      requirements({ scopes: ["a:1:b"] }),
      requirements({ maxLoginAge: { seconds: 1n, nanos: 0 } }),
      requirements({ maxLoginAge: { seconds: 2n, nanos: 0 } }),
      requirements({ emailVerified: true }),
      ...LISTS_NEEDED.slice(1).map((list) => requirements({ [list]: ["a"] })),
      ...TELLS_CLIENTS_APART.flatMap((name) => [context({ [name]: utf8("") }), context({ [name]: utf8("B") })]),
      ...TELL_CLIENTS_APART.flatMap((name) => [
        context({ [name]: [utf8("B")] }),
        context({ [name]: [utf8("B"), utf8("C")] }),
        context({ [name]: [utf8("B:1:C")] }),
      ]),
    ];
    assert.ok(others.every((other) => other !== undefined));
    assert.equal(new Set([...others, same]).size, others.length + 1);
  });

  test("is told apart to its last byte, however long", () => {
    const long = (end: string): string | undefined => context({ userAgent: utf8("x".repeat(20_000) + end) });
    assert.equal(long("a"), long("a"));
    assert.notEqual(long("a"), long("b"));
    assert.equal(of({}), same);
    const scoped = (name: string): string | undefined => of({ requirements: { scopes: [name] } });
    assert.equal(new Set(["a", "\u0161", "a\u0001", "\u{1f600}"].map(scoped)).size, 4);
  });

  test("has every part of a context either in it or left out on purpose", () => {
    const leftOut = ["method", "target", "accept", "contentType", "origin", "upgrade", "xRequestedWith", "csrfToken"];
    const sites = ["secFetchSite", "secFetchMode", "secFetchDest"];
    const known = [...TELLS_CLIENTS_APART, ...TELL_CLIENTS_APART, ...leftOut, ...sites];
    assert.deepEqual(known.sort(), RequestContextSchema.fields.map(({ localName }) => localName).sort());
    const asked = ["cookies", "context", "requirements", "canSetCookies", "touch"];
    const notKept = ["issueCsrfToken", "answerJson", "asOfPosition"];
    const fields = ValidateSessionRequestSchema.fields.map(({ localName }) => localName);
    assert.deepEqual([...asked, ...notKept].sort(), fields.sort());
    const needed = ["csrf", "emailVerified", "maxLoginAge", ...LISTS_NEEDED];
    assert.deepEqual(needed.sort(), RequirementsSchema.fields.map(({ localName }) => localName).sort());
  });

  test("that wants something of its own is asked each time", () => {
    for (const asked of [
      context({ method: utf8("POST") }),
      context({ upgrade: utf8("websocket") }),
      of({ issueCsrfToken: true }),
      of({ cookies: [] }),
      of({ asOfPosition: Uint8Array.of(9) }),
      of({ requirements: { csrf: CsrfRequirement.REQUIRED } }),
    ]) {
      assert.equal(asked, undefined);
    }
    assert.ok(
      of({ requirements: { csrf: CsrfRequirement.NOT_REQUIRED }, context: { ...base.context, method: utf8("POST") } }),
    );
  });

  test("is asked with the position that was heard, while the stream is whole", () => {
    const scene = new Scene();
    scene.hear(7);
    void scene.check();
    assert.equal(textOf(scene.asked[0]?.question.asOfPosition), "\u0007");
    void scene.check({ ...question(), issueCsrfToken: true });
    assert.equal(textOf(scene.asked[1]?.question.asOfPosition), "\u0007");
    scene.kept.broken();
    void scene.check();
    assert.equal(scene.asked[2]?.question.asOfPosition.length, 0);
  });
});

describe("those who ask the same at the same time", () => {
  test("are answered by one question", async () => {
    const scene = await knowing();
    scene.kept.forgetAll();
    const checks = [scene.check(), scene.check(), scene.check()];
    assert.equal(scene.asked.length, 1);
    scene.asked.pop()?.answer(active(1, LONG_MS));
    assert.equal(new Set(await Promise.all(checks)).size, 1);
    assert.ok(await scene.isKnown());
  });

  test("do not wait for what was asked before something was forgotten", async () => {
    const scene = await knowing();
    scene.kept.forgetAll();
    void scene.check();
    scene.hearOf(2, SessionEventKind.CHANGED);
    void scene.check();
    assert.equal(scene.asked.length, 2);
    scene.asked[0]?.answer(active(1, LONG_MS));
    await turn();
    const third = scene.check();
    assert.equal(scene.asked.length, 2, "the second is being asked still");
    scene.asked[1]?.answer(active(2, LONG_MS));
    await third;
  });

  test("ask for themselves where the answer is one request's own", async () => {
    const scene = await knowing();
    scene.kept.forgetAll();
    const [first, second] = [scene.check(), scene.check()];
    // It says where to send this one browser, and back to which page.
    scene.asked.shift()?.answer(create(ValidateSessionResponseSchema, { outcome: { case: "inactive", value: {} } }));
    assert.equal((await first).kind, "inactive");
    await turn();
    assert.equal(scene.asked.length, 1);
    scene.asked.shift()?.answer(active(1, LONG_MS));
    assert.equal((await second).kind, "active");
  });

  test("share what went wrong, but not another's time that was up", async () => {
    const scene = await knowing();
    scene.kept.forgetAll();
    const both = [scene.check(), scene.check()];
    const away = new GatelodgeError({ code: "UNAVAILABLE", message: "away" });
    scene.asked.shift()?.answer(away);
    for (const checking of both) {
      await assert.rejects(checking, away);
    }
    const late = scene.check();
    const patient = scene.check();
    scene.asked.shift()?.answer(new GatelodgeError({ code: "CANCELLED", message: "given up" }));
    await assert.rejects(late, { code: "CANCELLED" });
    await turn();
    scene.asked.shift()?.answer(active(1, LONG_MS));
    assert.equal((await patient).kind, "active");
  });

  test("wait no longer than their own time, and may give up", async () => {
    const scene = await knowing();
    scene.kept.forgetAll();
    const first = scene.check();
    await assert.rejects(scene.check(question(), { deadlineMs: 5 }), { code: "DEADLINE_EXCEEDED" });
    await assert.rejects(scene.check(question(), { signal: AbortSignal.abort() }), { code: "CANCELLED" });
    assert.equal(scene.asked.length, 1);
    scene.asked.pop()?.answer(active(1, LONG_MS));
    await first;
  });
});

describe("the watch", () => {
  const times = { firstWait: 4, longestWait: 16, lasted: 1000, silent: 60 };
  const watched = () => {
    const kept = new Kept(8);
    const opened: { after: Uint8Array; listener: StreamListener; at: number; ended: string }[] = [];
    const watch = new Watch(
      kept,
      ({ afterPosition }, listener) => {
        const one = { after: afterPosition, listener: listener as StreamListener, at: performance.now(), ended: "" };
        opened.push(one);
        const end = (how: string) => () => {
          one.ended = how;
        };
        return { ...nothing, cancel: end("cancelled"), abandon: end("abandoned") };
      },
      () => undefined,
      times,
    );
    const message = (position: number) =>
      create(WatchSessionsResponseSchema, { position: Uint8Array.of(position), maxStaleness: { seconds: 5n } });
    const opening = async (nth: number): Promise<(typeof opened)[number]> => {
      while (opened.length < nth) {
        await pause(1);
      }
      return opened[nth - 1] ?? assert.fail();
    };
    return { kept, opened, opening, watch, message };
  };

  test("goes on where it was, and nothing is used meanwhile", async () => {
    const { kept, opened, opening, watch, message } = watched();
    watch.start();
    watch.start();
    const first = await opening(1);
    assert.equal(first.after.length, 0);
    first.listener.onMessage(message(7));
    assert.equal(kept.knownUpTo, "\u0007");
    first.listener.onEnd(undefined);
    assert.equal(kept.knownUpTo, "");
    const second = await opening(2);
    assert.equal(textOf(second.after), "\u0007");
    watch.stop();
    assert.equal(second.ended, "cancelled");
    second.listener.onEnd(undefined);
    await pause(20);
    assert.equal(opened.length, 2, "begun once, and once it is stopped it stays so");
  });

  test("waits longer after each failure", async () => {
    const { opening, watch } = watched();
    watch.start();
    const started = performance.now();
    for (let nth = 1; nth <= 6; nth += 1) {
      const { listener } = await opening(nth);
      listener.onEnd(new GatelodgeError({ code: "UNIMPLEMENTED", message: "of the past" }));
    }
    await opening(7);
    watch.stop();
    assert.ok(performance.now() - started >= 2 + 4 + 4 * 8 - 6, "half of each wait at least");
  });

  test("gives up a stream that says nothing", async () => {
    const { kept, opening, watch, message } = watched();
    watch.start();
    const first = await opening(1);
    first.listener.onMessage(message(1));
    const second = await opening(2);
    watch.stop();
    assert.equal(first.ended, "abandoned");
    assert.ok(second.at - first.at >= times.silent);
    assert.equal(kept.knownUpTo, "");
  });
});
