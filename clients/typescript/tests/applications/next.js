// Owns the start of the edges' suite application in Next.js, which is in tests/next-application and built beforehand.
import next from "next";
import { createServer } from "node:http";
import { once } from "node:events";

export async function serve({ host, port }) {
  const { Client } = await import("gatelodge");
  new Client().close(); // options that can't be right end the start
  const dir = new URL("../next-application", import.meta.url).pathname;
  // Next hangs up on every upgrade of the server that it is given; this one's are for the application's own handlers.
  const app = next({ dir, dev: false, hostname: host, port, httpServer: createServer() });
  await app.prepare();
  const handle = app.getRequestHandler();
  const server = createServer((request, response) => handle(request, response));
  await once(server.listen(port, host), "listening");
}
