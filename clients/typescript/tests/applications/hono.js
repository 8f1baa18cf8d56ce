// Owns the application of the edges' suite in Hono.
import { serve as listen } from "@hono/node-server";
import { Hono } from "hono";
import { gatelodge } from "gatelodge/hono";
import { API_ROUTES, NEEDS, ROUTES } from "./needs.js";

export function application(options) {
  const auth = gatelodge(options);
  const app = new Hono();
  const who = (c) => c.json({ user_id: auth.session(c)?.userId ?? null });
  app.use(auth.routes());
  app.get("/open", (c) => c.text("open"));
  app.get("/unguarded", who);
  app.get("/private", auth.required(), who);
  app.post("/private", auth.required(), who);
  app.get("/optional", auth.sessions(), who);
  app.all("/any", auth.required(), who);
  app.get("/scoped", auth.required({ scopes: ["admin"] }), who);
  app.get("/fresh", auth.required({ maxLoginAgeSeconds: 1 }), who);
  for (const [path, needs] of Object.entries(ROUTES)) {
    app.get(path, auth.required(needs), who);
  }
  app.on(["GET", "OPTIONS"], "/both", auth.required(), auth.bearer(), who);
  app.on(["GET", "OPTIONS"], "/twice", auth.required(), auth.required({ scopes: ["admin"] }), who);
  for (const [name, needs] of Object.entries(NEEDS)) {
    app.get(`/needs/${name}`, auth.required(needs), who);
  }
  const whose = (c) => {
    const { userId = null, clientId = null } = auth.token(c);
    return c.json({ user_id: userId, client_id: clientId });
  };
  app.all("/api", auth.bearer(), whose);
  app.get("/api/scoped", auth.bearer({ scopes: ["admin"] }), whose);
  for (const [path, needs] of Object.entries(API_ROUTES)) {
    app.get(path, auth.bearer(needs), whose);
  }
  app.get("/api/write", auth.bearer({ scopes: ["write"], permissions: ["orders"], audience: "api" }), whose);
  return app;
}

export async function serve({ host, port, ...options }) {
  const { fetch } = application(options);
  await new Promise((resolve) => {
    listen({ fetch, port, hostname: host }, resolve);
  });
}
