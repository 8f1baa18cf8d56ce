/** The messages of the contract (`gatelodge.v1`), as generated. */
export * from "./gen/gatelodge/v1/admin_pb.js";
export * from "./gen/gatelodge/v1/caller_pb.js";
export * from "./gen/gatelodge/v1/error_reason_pb.js";
export * from "./gen/gatelodge/v1/http_answer_pb.js";
export * from "./gen/gatelodge/v1/identity_pb.js";
export * from "./gen/gatelodge/v1/login_pb.js";
export * from "./gen/gatelodge/v1/presented_pb.js";
export * from "./gen/gatelodge/v1/session_pb.js";
export * from "./gen/gatelodge/v1/token_pb.js";
export * from "./gen/gatelodge/v1/user_pb.js";
