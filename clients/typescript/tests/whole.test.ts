/** Starts the real authority: calls over gRPC. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import {
  CallerNotAllowedError,
  CallerUnauthenticatedError,
  Client,
  InvalidFieldError,
  MintingOffError,
  SessionNotFoundError,
  TenantUnknownError,
  UnreachableError,
  type Verdict,
} from "gatelodge";
import { InactiveReason } from "gatelodge/v1";
import { Dev } from "./dev.js";

const dev = new Dev();

before(() => dev.start());
after(() => dev.stop());

async function using<T>(apiKey: string | undefined, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ address: dev.address, apiKey: apiKey ?? "" });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

test("a call is answered over gRPC", async () => {
  const { settings } = await using(dev.keys["edge"], (client) => client.login.getEdgeSettings({}));
  assert.ok(settings?.sessionCookieNames.length);
  const verdict = await using(dev.keys["edge"], (client) => client.sessions.check({}));
  assert.equal(verdict.kind, "inactive");
});

test("all is told of a living session, until it is ended", async () => {
  const cookies = [{ name: "session", value: Buffer.from(await dev.logIn()) }];
  const sessionId = await using(dev.keys["backend"], async ({ login, sessions }) => {
    const verdict = await sessions.check({ cookies });
    assert.ok(verdict.kind === "active");
    assert.equal(verdict.session.userId, "dev_testuser1");
    const { outcome: known } = await sessions.getUserInfo({ cookies });
    assert.equal(known.case === "userInfo" && known.value.identity?.sub, "testuser1");
    const { outcome: token } = await sessions.getAccessToken({ cookies });
    assert.equal(token.case === "accessToken" && token.value.type, "Bearer");
    assert.equal((await sessions.refreshTokens({ cookies })).outcome.case, "refreshed");
    assert.equal((await login.listProviders({})).providers[0]?.name, "dev");
    return verdict.session.id;
  });
  await using(dev.keys["admin"], async ({ admin }) => {
    const { sessions } = await admin.listSessions({ userId: "dev_testuser1" });
    assert.deepEqual(
      sessions.map(({ info }) => info?.sessionId),
      [sessionId],
    );
    assert.equal((await admin.getSession({ sessionId })).session?.identity?.userId, "dev_testuser1");
    assert.equal((await admin.revoke({ target: { case: "sessionId", value: sessionId } })).revokedCount, 1n);
    await assert.rejects(admin.getSession({ sessionId }), SessionNotFoundError);
  });
  const verdict = await using(dev.keys["edge"], ({ sessions }) => sessions.check({ cookies }));
  assert.equal(verdict.kind === "inactive" && verdict.inactive.reason, InactiveReason.REVOKED);
});

test("every service is called, and minting says that it is off", async () => {
  await using(dev.keys["backend"], async (client) => {
    assert.equal(await client.isServing(), true);
    assert.equal((await client.sessions.getUserInfo({})).outcome.case, "inactive");
    assert.equal((await client.tokens.check({ token: Buffer.from("x") })).kind, "inactive");
    await assert.rejects(client.tokens.mintToken({ audience: "api" }), MintingOffError);
    await assert.rejects(client.tokens.getJwks({}), MintingOffError);
  });
});

/** Asks until the answer is one that is kept. */
async function untilKept(client: Client, question: Parameters<Client["sessions"]["check"]>[0]): Promise<Verdict> {
  for (let last = await client.sessions.check(question); ;) {
    const next = await client.sessions.check(question);
    if (next === last) {
      return next; // the very same answer
    }
    last = next;
    await pause(50);
  }
}

test("a session is kept in this process, and out at once when it is ended elsewhere", async () => {
  const cookies = [{ name: "session", value: Buffer.from(await dev.logIn()) }];
  await using(dev.keys["edge"], async (client) => {
    const kept = await untilKept(client, { cookies });
    assert.ok(kept.kind === "active");
    await using(dev.keys["admin"], ({ admin }) =>
      admin.revoke({ target: { case: "sessionId", value: kept.session.id } }),
    );
    // The answer would live for seconds.
    for (let tries = 0; (await client.sessions.check({ cookies })).kind === "active"; tries += 1) {
      assert.ok(tries < 50, "still in");
      await pause(10);
    }
  });
});

test("a session that this client ends is forgotten before its call comes back", async () => {
  const cookies = [{ name: "session", value: Buffer.from(await dev.logIn()) }];
  await using(dev.keys["backend"], async (client) => {
    await untilKept(client, { cookies });
    await client.sessions.revoke({ cookies, target: { case: "presentedSession", value: {} } });
    assert.equal((await client.sessions.check({ cookies })).kind, "inactive");
  });
});

test("a stream is read in a loop, and ended by leaving it", async () => {
  const cookies = [{ name: "session", value: Buffer.from(await dev.logIn()) }];
  await using(dev.keys["backend"], async (client) => {
    const happened: string[] = [];
    for await (const { events, position } of client.sessions.watchSessions({})) {
      if (happened.length === 0 && position.length > 0) {
        happened.push("begun");
        await client.sessions.revoke({ cookies, target: { case: "presentedSession", value: {} } });
      }
      happened.push(...events.map(({ sessionId }) => sessionId.slice(0, 4)));
      if (happened.length > 1) {
        break;
      }
    }
    assert.deepEqual(happened, ["begun", "sid_"]);
    const questions = [1n, 2n, 3n].map((id) => ({ id, question: { cookies } }));
    const answered: [bigint, string | undefined][] = [];
    for await (const { id, result } of client.sessions.checkSessions(questions)) {
      answered.push([id, result.case === "answer" ? result.value.outcome.case : result.case]);
    }
    assert.deepEqual(answered.sort(), [
      [1n, "inactive"],
      [2n, "inactive"],
      [3n, "inactive"],
    ]);
  });
  await assert.rejects(
    using("glk_wrong", async (client) => {
      await client.sessions.watchSessions({}).next();
    }),
    CallerUnauthenticatedError,
  );
});

test("many checks at the same moment share a stream", async () => {
  const cookies = [{ name: "session", value: Buffer.from(await dev.logIn()) }];
  const said: string[] = [];
  const ignore = (): void => undefined;
  const logger = { debug: (what: string) => said.push(what), info: ignore, warn: ignore, error: ignore };
  const client = new Client({ address: dev.address, apiKey: dev.keys["edge"], keepAnswers: 0, logger });
  for (let round = 0; round < 20; round += 1) {
    const checks = Array.from({ length: 40 }, () => client.sessions.check({ cookies }));
    assert.ok((await Promise.all(checks)).every(({ kind }) => kind === "active"));
  }
  client.close();
  assert.deepEqual(
    said.filter((what) => what.startsWith("checks share")),
    ["checks share a stream"],
  );
});

test("a program ends by itself, whatever it keeps and watches", async () => {
  const program = `
    import { Client } from "gatelodge";
    const client = new Client();
    const cookies = [{ name: "session", value: Buffer.from(process.argv[1]) }];
    for (let last; ; ) {
      const next = await client.sessions.check({ cookies });
      await Promise.all(Array.from({ length: 20 }, () => client.sessions.check({ cookies, issueCsrfToken: true })));
      if (next === last) break;
      last = next;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    console.log("kept");`;
  const env = { ...process.env, GATELODGE_ADDRESS: dev.address, GATELODGE_API_KEY: dev.keys["edge"] };
  const options = { env, cwd: new URL("..", import.meta.url).pathname, timeout: 10_000 };
  const words = ["--input-type=module", "--eval", program, await dev.logIn()];
  const { stdout } = await promisify(execFile)(process.execPath, words, options);
  assert.equal(stdout, "kept\n");
});

test("a wrong key is named", async () => {
  const call = using("glk_wrong", (client) => client.login.getEdgeSettings({}, { requestId: "wrong-key" }));
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof CallerUnauthenticatedError);
    assert.match(error.message, /GATELODGE_API_KEY/);
    assert.equal(error.requestId, "wrong-key");
    return !error.retryable;
  });
});

test("a tenant that is none is named", async () => {
  const [address, apiKey] = [dev.address, dev.keys["edge"]];
  const answers = ["default", "nobody"].map(async (tenant) => {
    const client = new Client({ address, apiKey, tenant });
    const answer = await client.sessions.check({}).catch((error: unknown) => error);
    client.close();
    return answer;
  });
  const [known, unknown] = await Promise.all(answers);
  assert.equal((known as Verdict).kind, "inactive");
  assert.ok(unknown instanceof TenantUnknownError);
});

test("a role may call what it may", async () => {
  await assert.rejects(
    using(dev.keys["edge"], (client) => client.admin.listSessions({})),
    CallerNotAllowedError,
  );
  await assert.rejects(
    using(dev.keys["admin"], (client) => client.admin.getSession({ sessionId: "no id" })),
    (error: unknown) => error instanceof InvalidFieldError && error.fields[0]?.field === "session_id",
  );
});

test("an authority that is away is told within the deadline", async () => {
  const client = new Client({ address: "http://127.0.0.1:1", apiKey: "glk_x" });
  const begun = Date.now();
  await assert.rejects(client.login.getEdgeSettings({}), UnreachableError);
  assert.ok(Date.now() - begun < 2000);
  client.close();
});
