export * from "../../../auth/[...gatelodge]/route.js";
