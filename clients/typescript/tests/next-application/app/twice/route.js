import { auth, who } from "../../auth.js";

const inner = auth.required(who, { scopes: ["admin"] });
const twice = auth.required((request, _, context) => inner(request, context));
export { twice as GET, twice as OPTIONS };
