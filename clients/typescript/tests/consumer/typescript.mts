import { Client, type Session, type Verdict } from "gatelodge";
import { gatelodge } from "gatelodge/fastify";
import { gatelodge as next } from "gatelodge/next";
import { fastify } from "fastify";

const auth = gatelodge({ client: { address: "http://127.0.0.1:1", apiKey: "glk_x" } });
const app = fastify();
await app.register(auth.routes);
app.get("/", { onRequest: auth.required({ scopes: ["admin"] }) }, (request) => auth.signedIn(request).userId);
export const { GET, POST } = next().handlers;
export const handler = next().required((_request, session) => Response.json(session.userId satisfies string));
export const verdict: Promise<Verdict> = new Client().sessions.check({});
export const whose = next().bearer((_request, token) => Response.json(token.scopes), { permissions: ["orders"] });
export async function watch(client: Client): Promise<void> {
  for await (const { events } of client.sessions.watchSessions({})) {
    events.map(({ sessionId }) => sessionId satisfies string);
  }
  for await (const { id } of client.sessions.checkSessions([{ id: 1n, question: {} }])) {
    void (id satisfies bigint);
  }
}
export const who = async (): Promise<Session | undefined> => next().session(new Headers());
// @ts-expect-error there is no such route set
gatelodge({ routeSets: ["mobile"] });
