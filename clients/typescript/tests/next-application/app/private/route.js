import { auth, who } from "../../auth.js";

export const GET = auth.required(who);
export const POST = auth.required(who);
