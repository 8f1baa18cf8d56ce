import { Client } from "gatelodge";
import { gatelodge } from "gatelodge/express";
import { FakeAuthority } from "gatelodge/testing";

const auth = gatelodge({ client: new FakeAuthority().client() });
export const middleware = auth.required({ maxLoginAgeSeconds: 60 });
export const settings = new Client().login.getEdgeSettings({}).then(({ settings }) => settings?.csrfHeader);
