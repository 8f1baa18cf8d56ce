// Owns the application of the edges' suite in Fastify.
import { fastify } from "fastify";
import { gatelodge } from "gatelodge/fastify";
import { API_ROUTES, NEEDS, ROUTES } from "./needs.js";

export async function application(options) {
  const auth = gatelodge(options);
  const app = fastify({ bodyLimit: 4 << 20 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, async (_, body) => body);
  const who = async (request) => ({ user_id: auth.session(request)?.userId ?? null });
  await app.register(auth.routes);
  app.get("/open", async () => "open");
  app.get("/unguarded", who);
  app.get("/private", { onRequest: auth.required() }, who);
  app.post("/private", { onRequest: auth.required() }, who);
  app.get("/optional", { onRequest: auth.sessions() }, who);
  app.all("/any", { onRequest: auth.required() }, who);
  app.get("/scoped", { onRequest: auth.required({ scopes: ["admin"] }) }, who);
  app.get("/fresh", { onRequest: auth.required({ maxLoginAgeSeconds: 1 }) }, who);
  for (const [path, needs] of Object.entries(ROUTES)) {
    app.get(path, { onRequest: auth.required(needs) }, who);
  }
  const method = ["GET", "OPTIONS"];
  app.route({ method, url: "/both", onRequest: [auth.required(), auth.bearer()], handler: who });
  const twice = [auth.required(), auth.required({ scopes: ["admin"] })];
  app.route({ method, url: "/twice", onRequest: twice, handler: who });
  for (const [name, needs] of Object.entries(NEEDS)) {
    app.get(`/needs/${name}`, { onRequest: auth.required(needs) }, who);
  }
  const whose = async (request) => {
    const { userId = null, clientId = null } = auth.token(request);
    return { user_id: userId, client_id: clientId };
  };
  const needs = { scopes: ["write"], permissions: ["orders"], audience: "api" };
  app.all("/api", { onRequest: auth.bearer() }, whose);
  app.get("/api/scoped", { onRequest: auth.bearer({ scopes: ["admin"] }) }, whose);
  for (const [path, needs] of Object.entries(API_ROUTES)) {
    app.get(path, { onRequest: auth.bearer(needs) }, whose);
  }
  app.get("/api/write", { onRequest: auth.bearer(needs) }, whose);
  return app;
}

export async function serve({ host, port, ...options }) {
  const app = await application(options);
  await app.listen({ host, port });
}
