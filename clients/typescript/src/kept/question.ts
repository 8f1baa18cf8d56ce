/** Owns which questions have an answer that may be kept, and what makes two of them the same. Does not know the answers. */
import { toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ValidateSessionResponseSchema,
  type ValidateSessionRequestSchema,
  type ValidateSessionResponse,
} from "../gen/gatelodge/v1/session_pb.js";
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
  /** How large the answer is. */
  readonly bytes: number;
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
  const key = new Writing();
  key.number(Number(question.canSetCookies ?? false));
  key.number(question.touch === undefined ? 2 : Number(question.touch));
  key.number(cookies.length);
  for (const { name = "", value } of cookies) {
    key.text(name);
    key.bytes(value);
  }
  key.number(Number(requirements !== undefined));
  if (requirements !== undefined) {
    const { csrf = 0, emailVerified = false, maxLoginAge } = requirements;
    key.text(maxLoginAge ? `${String(maxLoginAge.seconds)}.${String(maxLoginAge.nanos)}` : "any");
    key.number(csrf);
    key.number(Number(emailVerified));
    for (const list of LISTS_NEEDED) {
      key.texts(requirements[list]);
    }
  }
  key.number(Number(context !== undefined));
  if (context !== undefined) {
    for (const name of TELLS_CLIENTS_APART) {
      const value = context[name];
      key.number(Number(value !== undefined));
      key.bytes(value);
    }
    for (const name of TELL_CLIENTS_APART) {
      const values = context[name] ?? [];
      key.number(values.length);
      for (const value of values) {
        key.bytes(value);
      }
    }
  }
  return key.done();
}

/**
 * A key as it is written: each part with its length before it, so that no two questions give one text. What is written is
 * one text from the beginning, which is found far sooner than one that is joined of many.
 */
class Writing {
  static #sheet = Buffer.alloc(4096);
  #at = 0;

  number(value: number): void {
    const at = this.#room(4);
    const sheet = Writing.#sheet;
    sheet[at] = value;
    sheet[at + 1] = value >>> 8;
    sheet[at + 2] = value >>> 16;
    sheet[at + 3] = value >>> 24;
  }

  bytes(value: Uint8Array | undefined): void {
    const length = value?.length ?? 0;
    this.number(length);
    if (value !== undefined && length > 0) {
      const at = this.#room(length);
      Writing.#sheet.set(value, at);
    }
  }

  text(value: string): void {
    this.number(value.length);
    let at = this.#room(2 * value.length);
    const sheet = Writing.#sheet;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      sheet[at++] = unit;
      sheet[at++] = unit >>> 8;
    }
  }

  texts(values: readonly string[] = []): void {
    this.number(values.length);
    values.forEach((value) => {
      this.text(value);
    });
  }

  done(): string {
    return Writing.#sheet.toString("latin1", 0, this.#at);
  }

  /** Where so many bytes may be written. */
  #room(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > Writing.#sheet.length) {
      Writing.#sheet = Buffer.concat([Writing.#sheet], 2 * this.#at);
    }
    return at;
  }
}

/** How the authority lets this answer be kept: a yes alone, which carries nothing for one response. */
export function keepingOf(answer: ValidateSessionResponse): Keeping | undefined {
  const { outcome } = answer;
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
    bytes: toBinary(ValidateSessionResponseSchema, answer).length,
  };
}
