/** Owns waits that differ from caller to caller, so that not all come back at once. */

/** A time between half of the longest and all of it. */
export function jittered(longest: number): number {
  return longest * (0.5 + Math.random() / 2);
}
