/** Streams over HTTP/2, with a server that says what the test tells it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Client } from "../src/index.js";
import { WatchSessionsResponseSchema, type WatchSessionsResponse } from "../src/gen/gatelodge/v1/session_pb.js";

type Play = (stream: ServerHttp2Stream, path: string | undefined) => void;

const HEAD = { ":status": 200, "content-type": "application/grpc" };
const folder = mkdtempSync(join(tmpdir(), "gatelodge-"));
after(() => {
  rmSync(folder, { recursive: true });
});

function message(position: number): Buffer {
  const body = toBinary(
    WatchSessionsResponseSchema,
    create(WatchSessionsResponseSchema, { position: new Uint8Array(300).fill(position) }),
  );
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

async function served<T>(
  server: Http2Server,
  play: Play,
  use: (client: Client) => Promise<T>,
  files: { caFile?: string } = {},
): Promise<T> {
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => undefined);
    play(stream, headers[":path"]);
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  await once(server.listen(0, "localhost"), "listening");
  const scheme = files.caFile === undefined ? "http" : "https";
  const address = `${scheme}://localhost:${String((server.address() as AddressInfo).port)}`;
  const client = new Client({ address, apiKey: "glk_x", ...files });
  try {
    return await use(client);
  } finally {
    client.close();
    for (const session of sessions) {
      session.destroy();
    }
    server.close();
  }
}

async function read(client: Client): Promise<number[]> {
  const positions: number[] = [];
  for await (const { position } of client.sessions.watchSessions({})) {
    positions.push(position[0] ?? 0);
  }
  return positions;
}

function end(stream: ServerHttp2Stream, trailers: Record<string, string>): void {
  stream.on("wantTrailers", () => {
    stream.sendTrailers(trailers);
  });
  stream.end();
}

describe("a stream", () => {
  test("has its messages whole, however they are cut on the way", async () => {
    const all = Buffer.concat([message(1), message(2), message(3)]);
    const play: Play = (stream) => {
      stream.respond(HEAD, { waitForTrailers: true });
      for (let at = 0; at < all.length; at += 7) {
        stream.write(all.subarray(at, at + 7));
      }
      end(stream, { "grpc-status": "0" });
    };
    assert.deepEqual(await served(createServer(), play, read), [1, 2, 3]);
  });

  test("that is refused at once says why", async () => {
    const play: Play = (stream) => {
      stream.respond({ ...HEAD, "grpc-status": "7", "grpc-message": "not%20you" }, { endStream: true });
    };
    await assert.rejects(served(createServer(), play, read), { code: "PERMISSION_DENIED", message: /not you/ });
  });

  for (const [how, play] of Object.entries<Play>({
    "that breaks off": (stream) => {
      stream.respond(HEAD);
      stream.write(message(1), () => {
        stream.session?.destroy();
      });
    },
    "that ends without a status": (stream) => {
      stream.respond(HEAD);
      stream.end(message(1));
    },
    "whose message is compressed": (stream) => {
      stream.respond(HEAD);
      stream.write(Buffer.of(1, 0, 0, 0, 1, 0));
    },
    "whose message is larger than any": (stream) => {
      stream.respond(HEAD);
      stream.write(Buffer.of(0, 255, 0, 0, 0));
    },
    "that is answered by something else": (stream) => {
      stream.respond({ ":status": 502, "content-type": "text/html" });
      stream.end("<h1>Bad Gateway</h1>");
    },
  })) {
    test(`${how} is a failure, and the next one is good`, async () => {
      let streams = 0;
      const second: Play = (stream) => {
        stream.respond(HEAD, { waitForTrailers: true });
        stream.write(message(2));
        end(stream, { "grpc-status": "0" });
      };
      const use = async (client: Client): Promise<void> => {
        await assert.rejects(read(client), { code: "UNAVAILABLE", name: "UnreachableError" });
        assert.deepEqual(await read(client), [2]);
      };
      await served(
        createServer(),
        (stream, path) => {
          streams += 1;
          (streams === 1 ? play : second)(stream, path);
        },
        use,
      );
    });
  }

  test("goes on while its connection says goodbye, and the next one takes another", async () => {
    const sessions = new Set<unknown>();
    const play: Play = (stream) => {
      sessions.add(stream.session);
      stream.respond(HEAD, { waitForTrailers: true });
      stream.session?.goaway();
      setTimeout(() => {
        stream.write(message(1));
        end(stream, { "grpc-status": "0" });
      }, 30);
    };
    await served(createServer(), play, async (client) => {
      assert.deepEqual(await read(client), [1]);
      assert.deepEqual(await read(client), [1]);
    });
    assert.equal(sessions.size, 2);
  });

  test("is given up by its signal and by the client's end", async () => {
    const play: Play = (stream) => {
      stream.respond(HEAD);
    };
    await served(createServer(), play, async (client) => {
      const signal = AbortSignal.timeout(20);
      await assert.rejects(client.sessions.watchSessions({}, { signal }).next(), { code: "CANCELLED" });
      const reading: Promise<IteratorResult<WatchSessionsResponse, void>> = client.sessions.watchSessions({}).next();
      setTimeout(() => {
        client.close();
      }, 20);
      await assert.rejects(reading, { code: "UNAVAILABLE" });
      await assert.rejects(client.sessions.watchSessions({}).next(), { code: "CANCELLED" });
    });
  });

  test("goes over TLS with the issuers that were given, and no others", async () => {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
    execFileSync("openssl", [...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
    const server = (): Http2Server => createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) });
    const play: Play = (stream) => {
      stream.respond(HEAD, { waitForTrailers: true });
      stream.write(message(4));
      end(stream, { "grpc-status": "0" });
    };
    assert.deepEqual(await served(server(), play, read, { caFile: cert }), [4]);
    const other = join(folder, "other.pem");
    execFileSync("openssl", [...kind, ...subject, "-keyout", join(folder, "k"), "-out", other], { stdio: "ignore" });
    await assert.rejects(served(server(), play, read, { caFile: other }), { name: "UnreachableError" });
  });
});
