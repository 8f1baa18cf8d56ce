/**
 * Owns checking sessions with what is kept: it answers from memory where that is as good as asking, asks once for all who
 * ask the same at the same time, and forgets what this client itself has changed. Does not know the network.
 */
import { create } from "@bufbuild/protobuf";
import type { CallOptions } from "../caller.js";
import { DeadlineExceededError, errorOf, GatelodgeError } from "../errors.js";
import {
  ValidateSessionRequestSchema,
  type ValidateSessionRequest,
  type ValidateSessionResponse,
} from "../gen/gatelodge/v1/session_pb.js";
import { bytesOf, textOf } from "../latin1.js";
import { readVerdict, type Verdict } from "../verdict.js";
import type { Brought, Flight, Kept } from "./kept.js";
import { keepingOf, keyOf, type Keeping, type Question } from "./question.js";
import type { Watch } from "./watch.js";

/** Asks the authority, and says how long that may take. */
export interface Asks {
  ask(question: ValidateSessionRequest, how: CallOptions): Promise<ValidateSessionResponse>;
  deadlineMs(how: CallOptions): number;
}

/** Checks sessions, with what is kept. */
export class KeepingSessions {
  constructor(
    readonly kept: Kept,
    readonly watch: Watch,
    readonly asks: Asks,
  ) {}

  /** Checks a session; the watch begins with the first answer that may be kept. */
  async check(question: Question, how: CallOptions): Promise<Verdict> {
    const key = keyOf(question);
    const look = key === undefined ? undefined : this.kept.look(key);
    if (look?.kind === "active") {
      return look;
    }
    let left = how;
    if (look) {
      if (look.answer === undefined) {
        return this.#lead(look, question, how);
      }
      const until = Date.now() + this.asks.deadlineMs(how);
      const brought = await within(look.answer, until - Date.now(), how.signal);
      left = { ...how, deadlineMs: Math.max(1, until - Date.now()) }; // one time for both
      if (brought !== "own") {
        if ("failure" in brought) {
          throw brought.failure;
        }
        return brought.verdict;
      }
    }
    const { verdict, keeping } = await this.#ask(question, left);
    if (keeping) {
      this.watch.start();
    }
    return verdict;
  }

  async #lead(flight: Flight, question: Question, how: CallOptions): Promise<Verdict> {
    const asking = this.#ask(question, how);
    flight.answer = asking.then(
      ({ verdict, keeping }) => {
        if (verdict.kind !== "active" || !keeping) {
          return "own"; // it speaks of the one request that it answers
        }
        const cookies = (question.cookies ?? []).map(({ value }) => textOf(value));
        this.kept.keep(flight, verdict, cookies, keeping);
        return { verdict };
      },
      // A time that was up, or a call that was given up, says nothing to others.
      (failure: unknown): Brought => (isOwn(failure) ? "own" : { failure }),
    );
    try {
      return (await asking).verdict;
    } finally {
      await flight.answer; // it is kept before whoever asked goes on
      this.kept.end(flight);
    }
  }

  async #ask(question: Question, how: CallOptions): Promise<{ verdict: Verdict; keeping: Keeping | undefined }> {
    const { knownUpTo } = this.kept;
    const sent = create(ValidateSessionRequestSchema, question);
    const asked =
      knownUpTo !== "" && sent.asOfPosition.length === 0 ? { ...sent, asOfPosition: bytesOf(knownUpTo) } : sent;
    const answer = await this.asks.ask(asked, how);
    return { verdict: readVerdict(asked, answer), keeping: keepingOf(answer) };
  }
}

function isOwn(failure: unknown): boolean {
  return (
    failure instanceof DeadlineExceededError || (failure instanceof GatelodgeError && failure.code === "CANCELLED")
  );
}

async function within(answer: Promise<Brought>, ms: number, signal: AbortSignal | undefined): Promise<Brought> {
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = "the authority did not answer in time";
      reject(errorOf({ code: "DEADLINE_EXCEEDED", reason: "DEADLINE_EXCEEDED", message }));
    }, ms);
    giveUp = () => {
      reject(errorOf({ code: "CANCELLED", message: "the call was given up", cause: signal?.reason }));
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted) {
      giveUp();
    }
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    if (giveUp) {
      signal?.removeEventListener("abort", giveUp);
    }
  }
}
