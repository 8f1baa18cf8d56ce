import { auth, whose } from "../../../auth.js";

export const GET = auth.bearer(whose, { audience: "orders" });
