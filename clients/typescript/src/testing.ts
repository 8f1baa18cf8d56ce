/**
 * An authority for the tests of an application, in memory and without a network:
 *
 *     const authority = new FakeAuthority();
 *     const app = application({ client: authority.client() });
 *     const ada = authority.signIn({ userId: "google_1", scopes: ["admin"] });
 *     await request(app).get("/private").set(ada.headers);
 *
 * It answers as the real one does as far as an application can tell, and can be away, slow or denying.
 *
 * @module
 */
export { BearerToken, FakeAuthority, SignedIn, type Denial, type FakeClientOptions } from "./testing/authority.js";
export type { InactiveState, Who } from "./testing/session.js";
export type { TokenOf } from "./testing/tokens.js";
