/** Owns the suite's applications of all frameworks, as base URLs on ports of their own. */
import { serve as listenHono } from "@hono/node-server";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Edge, type Client } from "gatelodge";
import { application as express } from "./express.js";
import { application as fastify } from "./fastify.js";
import { application as hono } from "./hono.js";

/** An application that is being served. */
export interface Served {
  readonly base: string;
  close(): Promise<void>;
}

function served(port: number, close: () => Promise<unknown>): Served {
  return {
    base: `http://127.0.0.1:${String(port)}`,
    close: async () => {
      await close();
    },
  };
}

/** By the framework's name. */
export const FRAMEWORKS: Readonly<Record<string, (client: Client) => Promise<Served>>> = {
  express: async (client) => {
    const edge = await ready(client);
    const server = express(edge).listen(0, "127.0.0.1");
    await once(server, "listening");
    return served((server.address() as AddressInfo).port, () => {
      server.closeAllConnections();
      return server[Symbol.asyncDispose]();
    });
  },
  fastify: async (client) => {
    const app = await fastify(await ready(client));
    await app.listen({ port: 0, host: "127.0.0.1" });
    return served((app.server.address() as AddressInfo).port, () => {
      app.server.closeAllConnections();
      return app.close();
    });
  },
  hono: async (client) => {
    const { fetch } = hono(await ready(client));
    const server = listenHono({ fetch, port: 0, hostname: "127.0.0.1" });
    await once(server, "listening");
    return served((server.address() as AddressInfo).port, async () => {
      const closed = once(server, "close");
      server.close();
      if ("closeAllConnections" in server) {
        server.closeAllConnections();
      }
      await closed;
    });
  },
};

async function ready(client: Client): Promise<Edge> {
  const edge = new Edge({ client });
  await edge.ready();
  return edge;
}
