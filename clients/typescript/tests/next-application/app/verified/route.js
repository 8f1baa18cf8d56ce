import { auth, who } from "../../auth.js";

export const GET = auth.required(who, { emailVerified: true });
