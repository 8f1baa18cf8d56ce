/**
 * Serves the fake authority over gRPC, for tests/edges to put behind edges of any language: tests/edges/README.md says how
 * it is told things. What comes is passed on to the fake in memory.
 */
import { fromBinary, toBinary, type DescMethod, type DescMethodUnary, type Message } from "@bufbuild/protobuf";
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleBidiStreamingCall,
  type handleUnaryCall,
} from "@grpc/grpc-js";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { GatelodgeError, type StreamListener } from "gatelodge";
import { AdminService, LoginService, SessionService, TokenService } from "gatelodge/v1";
import { Given, type Begin, type Change } from "./given.js";

const LONGEST_MS = 30_000;

let given = new Given();

/** As grpc-js wants a failure. Its details stay behind: no failure that a scenario sees has any. */
function refusal(failure: unknown): { code: status; details: string } {
  return failure instanceof GatelodgeError
    ? { code: status[failure.code], details: failure.message }
    : { code: status.INTERNAL, details: String(failure) };
}

function textsOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, value.toString()]));
}

function call(method: DescMethodUnary): handleUnaryCall<Message, Message> {
  return (call, done) => {
    const deadline = Math.min(Number(call.getDeadline()), Date.now() + LONGEST_MS);
    const metadata = textsOf(call.metadata);
    const attempt = { method, question: call.request, metadata, deadline, signal: undefined };
    given.authority.transport.send(attempt).then(
      (answer) => {
        done(null, answer);
      },
      (failure: unknown) => {
        done(refusal(failure));
      },
    );
  };
}

function stream(method: DescMethod): handleBidiStreamingCall<Message, Message> {
  return (call) => {
    const listener: StreamListener = {
      onOpen: () => {
        call.sendMetadata(new Metadata());
      },
      onMessage: (message) => {
        call.write(message);
      },
      onEnd: (failure) => {
        if (failure) {
          call.emit("error", refusal(failure));
        } else {
          call.end();
        }
      },
    };
    const opened = given.authority.transport.open({ method, metadata: textsOf(call.metadata) }, listener);
    call.on("data", (message: Message) => {
      opened.send(message);
    });
    call.on("end", () => {
      opened.finish();
    });
    call.on("cancelled", () => {
      opened.cancel();
    });
  };
}

const server = new Server();
for (const { methods } of [AdminService, LoginService, SessionService, TokenService]) {
  for (const method of methods) {
    const { input, output } = method;
    const write = (message: Message): Buffer => Buffer.from(toBinary(output, message));
    const read = (bytes: Buffer): Message => fromBinary(input, bytes);
    const path = `/${method.parent.typeName}/${method.name}`;
    if (method.methodKind === "unary") {
      server.register(path, call(method as DescMethodUnary), write, read, "unary");
    } else {
      server.register(path, stream(method), write, read, "bidi");
    }
  }
}

const listen = process.env["LISTEN"] ?? "127.0.0.1:50051";
server.bindAsync(listen, ServerCredentials.createInsecure(), (fault) => {
  if (fault) {
    throw fault;
  }
  console.log(`ready ${given.authority.apiKey}`);
});
const told = createInterface(process.stdin).on("line", (line) => {
  const said = JSON.parse(line) as { begin?: Begin; change?: Change };
  if (said.begin) {
    given.authority.away(); // ends whatever watches it
    given = new Given();
    given.begin(said.begin);
  } else {
    given.change(said.change ?? {});
  }
  console.log("told");
});
await once(told, "close");
server.forceShutdown();
