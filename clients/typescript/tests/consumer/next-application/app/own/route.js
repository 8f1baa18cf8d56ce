import { auth } from "../../auth.js";

export const GET = auth.required((_, session) => Response.json({ userId: session.userId }));
