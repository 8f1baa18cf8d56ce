/** Owns the one call of grpc.health.v1. Does not know what is asked about. */
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { StringValueSchema, UInt32ValueSchema } from "@bufbuild/protobuf/wkt";

/** On the wire its two messages are what these wrappers are: one field each, of the same number and type. */
export const HEALTH_CHECK = {
  methodKind: "unary",
  name: "Check",
  parent: { typeName: "grpc.health.v1.Health" },
  input: StringValueSchema,
  output: UInt32ValueSchema,
} as DescMethodUnary<typeof StringValueSchema, typeof UInt32ValueSchema>;

export const SERVING = 1;
