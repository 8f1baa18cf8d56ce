import { gatelodge } from "gatelodge/next";
import { FakeAuthority } from "gatelodge/testing";

// Next loads this once for each bundle, and each has an authority of its own, where the same person is signed in.
const authority = new FakeAuthority();
authority.signIn({ userId: "google_1", cookie: "ada", renewedCookie: "newer" });
export const auth = gatelodge({ client: authority.client() });
