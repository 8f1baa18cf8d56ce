import { headers } from "next/headers";
import { auth } from "../../auth.js";

export default async function Page() {
  const session = await auth.session(await headers());
  return <p>{session ? `Hello, ${session.userId}` : "Nobody is here"}</p>;
}
