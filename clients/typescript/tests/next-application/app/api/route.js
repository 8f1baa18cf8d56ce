import { auth, whose } from "../../auth.js";

const api = auth.bearer(whose);
export { api as GET, api as HEAD, api as POST, api as PUT, api as PATCH, api as DELETE, api as OPTIONS };
