/**
 * Owns how the details of a gRPC status are read: google.rpc.Status with ErrorInfo, RetryInfo, BadRequest and HttpAnswer.
 *
 * There is no small official package of google.rpc for this runtime, so its few fields are read by the runtime's own
 * wire reader. Does not know what the details mean.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { AnySchema, DurationSchema } from "@bufbuild/protobuf/wkt";
import { milliseconds } from "./duration.js";
import type { Failure, FieldViolation } from "./errors.js";
import { HttpAnswerSchema } from "./gen/gatelodge/v1/http_answer_pb.js";

type Details = Pick<Failure, "reason" | "requestId" | "retryAfterMs" | "fields" | "answer">;

/** Reads `grpc-status-details-bin`. What can't be read says nothing: the code stands on its own. */
export function detailsOf(bytes: string | Buffer | undefined): Details {
  if (!Buffer.isBuffer(bytes)) {
    return {};
  }
  try {
    return Object.assign({}, ...byNumber(bytes, 3).map(detail)) as Details;
  } catch {
    return {};
  }
}

function detail(bytes: Uint8Array): Details {
  const { typeUrl, value } = fromBinary(AnySchema, bytes);
  switch (typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) {
    case "google.rpc.ErrorInfo": {
      const metadata = new Map(byNumber(value, 3).map((entry) => [text(entry, 1), text(entry, 2)]));
      return { reason: text(value, 1) || undefined, requestId: metadata.get("request_id") };
    }
    case "google.rpc.RetryInfo": {
      const [delay] = byNumber(value, 1);
      return delay ? { retryAfterMs: milliseconds(fromBinary(DurationSchema, delay)) } : {};
    }
    case "google.rpc.BadRequest":
      return { fields: byNumber(value, 1).map(violation) };
    case "gatelodge.v1.HttpAnswer":
      return { answer: fromBinary(HttpAnswerSchema, value) };
    default:
      return {};
  }
}

function violation(bytes: Uint8Array): FieldViolation {
  return { field: text(bytes, 1), description: text(bytes, 2) };
}

function text(message: Uint8Array, field: number): string {
  return Buffer.from(byNumber(message, field).at(-1) ?? []).toString();
}

/** Every value of one length-delimited field. */
function byNumber(message: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field && type === WireType.LengthDelimited) {
      values.push(reader.bytes());
    } else {
      reader.skip(type, number);
    }
  }
  return values;
}
