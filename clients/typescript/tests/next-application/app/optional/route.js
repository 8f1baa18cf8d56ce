import { auth, who } from "../../auth.js";

export const GET = auth.sessions(who);
