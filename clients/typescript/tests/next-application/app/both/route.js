import { auth, who } from "../../auth.js";

const both = auth.required((request, session, context) => auth.bearer(() => who(request, session))(request, context));
export { both as GET, both as OPTIONS };
