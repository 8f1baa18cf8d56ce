/** Owns bytes as text, a character for each. */

/** Bytes as text; empty for none. */
export function textOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) {
    return "";
  }
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}
