/** Owns bytes as text, a character for each. */

/** Text as bytes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Buffer.from(text, "latin1");
}

/** Bytes as text; empty for none. */
export function textOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) {
    return "";
  }
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}
