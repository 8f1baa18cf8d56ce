/** Owns which questions have an answer that may be kept, and what makes two of them the same. Does not know the answers. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ValidateSessionRequestSchema, ValidateSessionResponse } from "../gen/gatelodge/v1/session_pb.js";
import { textOf } from "../latin1.js";
import { LISTS_NEEDED } from "../requirements.js";
import { isCsrfNeeded } from "../verdict.js";

/** A question of ValidateSession, as it is given to the client. */
export type Question = MessageInitShape<typeof ValidateSessionRequestSchema>;

/** How an answer may be kept. */
export interface Keeping {
  readonly sessionId: string;
  /** To be compared as text: each character is a byte. */
  readonly position: string;
  readonly keepForMs: number;
}

/** What of a request's context tells clients and their places apart: a yes to one is none to another. */
export const TELLS_CLIENTS_APART = [
  "host",
  "peerAddress",
  "userAgent",
  "acceptLanguage",
  "xTenantId",
  "place",
] as const;
/** The same, of which there may be several. */
export const TELL_CLIENTS_APART = ["xForwardedFor", "forwarded"] as const;

/**
 * All that an answer depends on, as text; nothing for a question that has to be asked each time. Its answer carries a token
 * of its own, or it is about a request that changes something, or it says itself how fresh the answer has to be.
 */
export function keyOf(question: Question): string | undefined {
  const { cookies, context, requirements } = question;
  if (
    !cookies?.length ||
    question.issueCsrfToken ||
    question.asOfPosition?.length ||
    context?.upgrade !== undefined ||
    isCsrfNeeded(requirements?.csrf, context)
  ) {
    return undefined;
  }
  // Each part with its length before it, so that no two questions give one text.
  let key = `${String(question.canSetCookies ?? false)},${String(question.touch)},${String(cookies.length)}`;
  for (const { name = "", value } of cookies) {
    key += part(name) + part(textOf(value));
  }
  if (requirements !== undefined) {
    const { csrf, emailVerified = false, maxLoginAge } = requirements;
    key += `?${String(csrf)},${maxLoginAge ? `${String(maxLoginAge.seconds)}.${String(maxLoginAge.nanos)}` : "any"}`;
    key += `,${String(emailVerified)}`;
    for (const list of LISTS_NEEDED) {
      const names = requirements[list] ?? [];
      key += `,${String(names.length)}`;
      for (const name of names) {
        key += part(name);
      }
    }
  }
  if (context !== undefined) {
    key += "@";
    for (const name of TELLS_CLIENTS_APART) {
      const value = context[name];
      key += value === undefined ? "-" : part(textOf(value));
    }
    for (const name of TELL_CLIENTS_APART) {
      const values = context[name] ?? [];
      key += String(values.length);
      for (const value of values) {
        key += part(textOf(value));
      }
    }
  }
  return key;
}

function part(text: string): string {
  return `:${String(text.length)}:${text}`;
}

/** How the authority lets this answer be kept: a yes alone, which carries nothing for one response. */
export function keepingOf({ outcome }: ValidateSessionResponse): Keeping | undefined {
  if (outcome.case !== "active") {
    return undefined;
  }
  const { session, eventPosition, keepFor, setCookies, csrfToken } = outcome.value;
  const isBare = setCookies.length === 0 && csrfToken === "" && eventPosition.length > 0;
  if (!isBare || keepFor === undefined) {
    return undefined;
  }
  return {
    sessionId: session?.sessionId ?? "",
    position: textOf(eventPosition),
    keepForMs: Number(keepFor.seconds) * 1000 + keepFor.nanos / 1e6, // not rounded: no instant longer
  };
}
