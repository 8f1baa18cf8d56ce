/**
 * Owns the answers that this process keeps, for as long as a watched stream vouches for them. Does not know the network.
 *
 * Invariants: nothing is answered from memory while the stream is broken; nothing lives longer than its answer allowed; and
 * what was asked before something was forgotten is never kept, nor is what another authority answered that had heard less.
 * What was forgotten is remembered as numbers in places that many share: a place never forgets, and who shares it is asked
 * about once more. What was known once counts for as long as anybody may rest on less, whatever an authority that lags
 * behind says.
 */
import { SessionEventKind, type WatchSessionsResponse } from "../gen/gatelodge/v1/session_pb.js";
import { textOf } from "../latin1.js";
import type { Active, Verdict } from "../verdict.js";
import type { Keeping } from "./question.js";

/** The stream is broken when no message has come for so long. */
export const SILENCE_MS = 2000;
/** By then no authority answers from what it knew before: `max_staleness` is at most five seconds. */
export const STALENESS_MS = 6000;
/** How many bytes an answer has on average, at most: where answers are larger, fewer are kept. */
export const BYTES_EACH = 2048;
/** What an answer takes beside itself and its key, more or less. */
const BYTES_BESIDE = 512;
/** So many answers there may be about one session: nobody who varies their headers takes the room of others. */
const MOST_OF_ONE = 16;
/** How many numbers remember what was forgotten, of sessions and of cookies. */
const PLACES = 4096;
/** How often what has ended or was forgotten is swept out. */
const SWEEP_EVERY_MS = 1000;

const ABOUT_ONE: ReadonlySet<SessionEventKind> = new Set([
  SessionEventKind.REVOKED,
  SessionEventKind.ROTATED,
  SessionEventKind.REFRESHED,
  SessionEventKind.CHANGED,
]);

/** When something was forgotten last: what was asked before, or rests on less, is worth nothing. */
interface Forgotten {
  number: number;
  position: string;
}

interface Answer {
  readonly verdict: Active;
  readonly number: number;
  readonly sessionId: string;
  readonly session: number;
  readonly cookies: readonly number[];
  readonly until: number;
  readonly bytes: number;
}

/** What a question brings to those who asked it at the same time; `own` when each has to ask for itself. */
export type Brought = { readonly verdict: Verdict } | { readonly failure: unknown } | "own";

/** A question that is being asked. */
export interface Flight {
  readonly kind: "flight";
  readonly key: string;
  readonly number: number;
  readonly at: number;
  /** Absent: nobody asks yet, so whoever holds it does, and says so here at once. */
  answer: Promise<Brought> | undefined;
}

/**
 * A clock that never stands still, in milliseconds. The machine's running clock alone stops while a container or a laptop
 * sleeps, and the wall's alone can be set back.
 */
export function now(): number {
  return Math.max(performance.now(), Date.now() - BEGUN);
}

const BEGUN = performance.timeOrigin;

/** The answers that are kept. */
export class Kept {
  readonly #most: number;
  readonly #now: () => number;
  /** Which answers there are, by the session, and by the places of their cookies. */
  readonly #ofSession = new Map<string, Set<string>>();
  readonly #ofCookie = new Map<number, Set<string>>();
  readonly #seed = Math.floor(Math.random() * 2 ** 32);
  readonly #answers = new Map<string, Answer>();
  readonly #asking = new Map<string, Flight>();
  readonly #all: Forgotten = { number: 0, position: "" };
  readonly #sessions = new Map<number, Forgotten>();
  readonly #cookies = new Map<number, Forgotten>();
  #bytes = 0;
  /** Rises with everything that is forgotten. */
  #number = 0;
  #position = "";
  /** What no answer may rest on less than, and until when that matters. */
  #least = "";
  #leastUntil = -Infinity;
  #wholeUntil = -Infinity;
  #sweptAt = -Infinity;

  /** With room for this many answers, by a clock in milliseconds. */
  constructor(most: number, clock: () => number = now) {
    this.#most = most;
    this.#now = clock;
  }

  /** How many answers there are, those of the last second that have ended among them. */
  get size(): number {
    return this.#answers.size;
  }

  /** What is known of the stream, to be shown to an authority that may have heard less. */
  get knownUpTo(): string {
    const at = this.#now();
    return later(this.#isWhole(at) ? this.#position : "", this.#leastAt(at));
  }

  /** Where the stream goes on. */
  get position(): string {
    return this.#position;
  }

  /**
   * This client has ended something, and the stream tells so up to this position: whoever is asked from now on has to know
   * as much. Empty where nothing was announced.
   */
  hasTold(position: string): void {
    if (position !== "") {
      const at = this.#now();
      this.#least = later(position, this.#leastAt(at));
      this.#leastUntil = at + STALENESS_MS;
    }
  }

  /** What to do about a question: take what is known, or ask together; nothing: the stream is broken, ask for yourself. */
  look(key: string): Active | Flight | undefined {
    const at = this.#now();
    if (!this.#isWhole(at)) {
      return undefined;
    }
    const answer = this.#answers.get(key);
    if (answer) {
      if (answer.until > at && !this.#isForgotten(answer.number, answer.session, answer.cookies)) {
        return answer.verdict;
      }
      this.#drop(key, answer);
    }
    const asked = this.#asking.get(key);
    // Whoever asks after something was forgotten does not wait for what was asked before.
    if (asked?.number === this.#number) {
      return asked;
    }
    const ours: Flight = { kind: "flight", key, number: this.#number, at, answer: undefined };
    this.#asking.set(key, ours);
    return ours;
  }

  /** Keeps an answer as long as it allows, unless it may be older than what was heard. */
  keep({ key, number, at }: Flight, verdict: Active, cookieValues: readonly string[], keeping: Keeping): void {
    const { sessionId } = keeping;
    const session = this.#place(sessionId);
    const cookies = cookieValues.map((value) => this.#place(value));
    const moment = this.#now();
    if (
      this.#isForgotten(number, session, cookies) ||
      this.#isHeardOf(keeping.position, session, cookies) ||
      keeping.position < this.#leastAt(moment) ||
      !this.#isWhole(moment)
    ) {
      return;
    }
    this.#sweep(moment);
    const bytes = keeping.bytes + key.length + BYTES_BESIDE;
    const isRoom = this.#answers.size < this.#most && this.#bytes + bytes <= this.#most * BYTES_EACH;
    const ofOne = this.#ofSession.get(sessionId)?.size ?? 0;
    if (isRoom && ofOne < MOST_OF_ONE && !this.#answers.has(key)) {
      // It says nothing of the settings that are in force when it is used.
      const known = Object.freeze({ ...verdict, settingsVersion: "" });
      const until = at + keeping.keepForMs;
      this.#answers.set(key, { verdict: known, number, sessionId, session, cookies, until, bytes });
      this.#bytes += bytes;
      add(this.#ofSession, sessionId, key);
      for (const cookie of cookies) {
        add(this.#ofCookie, cookie, key);
      }
    }
  }

  /** Ends a question, whatever came of it. */
  end(flight: Flight): void {
    if (this.#asking.get(flight.key) === flight) {
      this.#asking.delete(flight.key);
    }
  }

  /** Whoever presents one of these cookies is asked about anew. */
  forgetCookies(values: readonly string[]): void {
    this.#number += values.length > 0 ? 1 : 0;
    for (const value of values) {
      const place = this.#place(value);
      this.#forget(this.#cookies, place, "");
      this.#dropAll(this.#ofCookie.get(place));
    }
  }

  /** A session has ended or changed. */
  forgetSession(sessionId: string, position = ""): void {
    this.#number += 1;
    this.#forget(this.#sessions, this.#place(sessionId), position);
    this.#dropAll(this.#ofSession.get(sessionId));
  }

  /** Everything is asked about anew. */
  forgetAll(position = ""): void {
    this.#number += 1;
    this.#all.number = this.#number;
    this.#all.position = later(position, this.#all.position);
    this.#answers.clear();
    this.#ofSession.clear();
    this.#ofCookie.clear();
    this.#bytes = 0;
  }

  /** Takes in what the stream told. */
  hear({ events, position, reset, maxStaleness }: WatchSessionsResponse): void {
    const at = textOf(position);
    if (reset) {
      // Positions may begin anew, or the authority lags behind: nobody can tell before what was known counts no more.
      this.hasTold(this.#position);
      this.forgetAll();
      this.#all.position = at;
      this.#sessions.clear();
      this.#cookies.clear();
    }
    for (const { kind, sessionId } of events) {
      if (ABOUT_ONE.has(kind) && sessionId !== "") {
        this.forgetSession(sessionId, at);
      } else {
        this.forgetAll(at);
      }
    }
    this.#position = at;
    const moment = this.#now();
    this.#wholeUntil = maxStaleness === undefined ? -Infinity : moment + SILENCE_MS;
    this.#sweep(moment);
  }

  /** The stream is broken. What is kept may be good again when it goes on where it was. */
  broken(): void {
    this.#wholeUntil = -Infinity;
    this.#sweep(this.#now());
  }

  #leastAt(at: number): string {
    return at < this.#leastUntil ? this.#least : "";
  }

  #isWhole(at: number): boolean {
    return at < this.#wholeUntil;
  }

  /** Whether something that concerns it was forgotten since it was asked. */
  #isForgotten(number: number, session: number, cookies: readonly number[]): boolean {
    return (
      number < this.#all.number ||
      number < (this.#sessions.get(session)?.number ?? 0) ||
      cookies.some((cookie) => number < (this.#cookies.get(cookie)?.number ?? 0))
    );
  }

  /** Whether something that concerns it was heard of at a later position than the one that it rests on. */
  #isHeardOf(position: string, session: number, cookies: readonly number[]): boolean {
    return (
      position < this.#all.position ||
      position < (this.#sessions.get(session)?.position ?? "") ||
      cookies.some((cookie) => position < (this.#cookies.get(cookie)?.position ?? ""))
    );
  }

  #forget(places: Map<number, Forgotten>, place: number, position: string): void {
    const earlier = places.get(place)?.position ?? "";
    places.set(place, { number: this.#number, position: later(position, earlier) });
  }

  /** Drops what has ended by itself or was forgotten, which nobody may ask about again. */
  #sweep(at: number): void {
    if (at - this.#sweptAt < SWEEP_EVERY_MS) {
      return;
    }
    for (const [key, answer] of this.#answers) {
      if (answer.until <= at || this.#isForgotten(answer.number, answer.session, answer.cookies)) {
        this.#drop(key, answer);
      }
    }
    this.#sweptAt = at;
  }

  #drop(key: string, { sessionId, cookies, bytes }: Answer): void {
    if (this.#answers.delete(key)) {
      this.#bytes -= bytes;
      remove(this.#ofSession, sessionId, key);
      for (const cookie of cookies) {
        remove(this.#ofCookie, cookie, key);
      }
    }
  }

  #dropAll(keys: ReadonlySet<string> = new Set()): void {
    for (const key of [...keys]) {
      const answer = this.#answers.get(key);
      if (answer) {
        this.#drop(key, answer);
      }
    }
  }

  /** FNV-1a. */
  #place(text: string): number {
    let hash = this.#seed;
    for (let at = 0; at < text.length; at += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    }
    return (hash >>> 0) % PLACES;
  }
}

function later(one: string, other: string): string {
  return one > other ? one : other;
}

function add<K>(sets: Map<K, Set<string>>, of: K, key: string): void {
  const set = sets.get(of);
  if (set) {
    set.add(key);
  } else {
    sets.set(of, new Set([key]));
  }
}

function remove<K>(sets: Map<K, Set<string>>, of: K, key: string): void {
  const set = sets.get(of);
  set?.delete(key);
  if (set?.size === 0) {
    sets.delete(of);
  }
}
