import { auth, who } from "../../auth.js";

const any = auth.required(who);
export { any as GET, any as HEAD, any as POST, any as PUT, any as PATCH, any as DELETE, any as OPTIONS };
