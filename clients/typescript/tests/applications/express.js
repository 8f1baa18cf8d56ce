// Owns the application of the edges' suite in Express.
import express from "express";
import { once } from "node:events";
import { gatelodge } from "gatelodge/express";
import { API_ROUTES, NEEDS, ROUTES } from "./needs.js";

export function application(options) {
  const auth = gatelodge(options);
  const app = express();
  const who = (request, response) => {
    response.json({ user_id: auth.session(request)?.userId ?? null });
  };
  app.use(auth.routes());
  app.get("/open", (_, response) => {
    response.type("text/plain").send("open");
  });
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
  for (const method of ["get", "options"]) {
    app[method]("/both", auth.required(), auth.bearer(), who);
    app[method]("/twice", auth.required(), auth.required({ scopes: ["admin"] }), who);
  }
  for (const [name, needs] of Object.entries(NEEDS)) {
    app.get(`/needs/${name}`, auth.required(needs), who);
  }
  const whose = (request, response) => {
    const { userId = null, clientId = null } = auth.token(request);
    response.json({ user_id: userId, client_id: clientId });
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
  await once(application(options).listen(port, host), "listening");
}
