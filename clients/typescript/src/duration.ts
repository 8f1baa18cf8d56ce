/** Owns durations of the contract as milliseconds. */
import type { Duration } from "@bufbuild/protobuf/wkt";

/** A duration in milliseconds, rounded up. */
export function milliseconds({ seconds, nanos }: Pick<Duration, "seconds" | "nanos">): number {
  return Number(seconds) * 1000 + Math.ceil(nanos / 1e6);
}
