/** Owns the body of a request: how it is waited for and cut. Does not read what it says. */
import { lines, type RawRequest } from "./presented.js";
import type { Settings } from "./settings.js";

/** Why there is no body. */
export type NoForm = "late" | "broken" | "read already";

/** What to take where the settings name no limit. */
const USUAL_BYTES = 64 << 10;
const PATIENCE_MS = 10_000;

/** The body as it came, when it is a form; empty for any other, which stays unread. */
export async function formOf(request: RawRequest, settings: Settings): Promise<Uint8Array | NoForm> {
  return isOfKind(request, "application/x-www-form-urlencoded") ? whole(request, settings) : new Uint8Array();
}

/** The body as it came, as JSON or as a form; an empty form for any other, which stays unread. */
export async function sentOf(
  request: RawRequest,
  settings: Settings,
): Promise<{ readonly case: "form" | "json"; readonly value: Uint8Array } | NoForm> {
  const isJson = isOfKind(request, "application/json");
  const body = isJson ? await whole(request, settings) : await formOf(request, settings);
  return typeof body === "string" ? body : { case: isJson ? "json" : "form", value: body };
}

/** Whether the one Content-Type is this, its parameters aside. */
function isOfKind(request: RawRequest, kind: string): boolean {
  const types = lines(request, "content-type");
  const [label = ""] = (types[0] ?? "").split(";");
  return types.length === 1 && label.trim().toLowerCase() === kind;
}

async function whole(request: RawRequest, { limits }: Settings): Promise<Uint8Array | NoForm> {
  const body = request.body();
  if (!body) {
    return "read already";
  }
  const most = (limits.bodyBytes || USUAL_BYTES) + 1;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, "late");
  });
  try {
    return await Promise.race([late, gather(body, most)]);
  } finally {
    clearTimeout(timer);
  }
}

async function gather(body: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array | "broken"> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of body) {
      pieces.push(piece);
      length += piece.length;
      if (length >= most) {
        break;
      }
    }
  } catch {
    return "broken";
  }
  return Buffer.concat(pieces).subarray(0, most);
}
