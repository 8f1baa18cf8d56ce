/** Owns the edge settings in force, and keeps them fresh as long as the client is open. Does not know requests. */
import { jittered } from "./chance.js";
import type { Client } from "./client.js";
import { logFailure } from "./log.js";
import { SHORTEST_PAUSE_MS, Tenants, type Settings } from "./settings.js";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/** Asks for the settings: at start, again after a while, and when an answer names another version. */
export class Keeper {
  readonly #client: Client;
  readonly #onChange: (settings: Settings) => void;
  readonly #waiting = new Set<() => void>();
  readonly #tried: Promise<void>;
  #hasTried: () => void = () => undefined;
  #inForce: Tenants | undefined;
  #wake: (() => void) | undefined;
  #isStale = false;
  #isRunning = false;

  /** `onChange` sees all settings of a new version, of each tenant, before a request does. */
  constructor(client: Client, onChange: (settings: Settings) => void) {
    this.#client = client;
    this.#onChange = onChange;
    this.#tried = new Promise((resolve) => {
      this.#hasTried = resolve;
    });
  }

  /** Begins to ask, unless it has. */
  start(): void {
    if (!this.#isRunning && !this.#client.closing.aborted) {
      this.#isRunning = true;
      void this.#keepFresh();
    }
  }

  /** Those in force, as far as is known. */
  get tenants(): Tenants | undefined {
    this.start();
    return this.#inForce;
  }

  /** Waits for the first settings; rejects when the signal aborts. */
  async ready(signal: AbortSignal): Promise<void> {
    this.start();
    while (!this.#inForce) {
      signal.throwIfAborted();
      this.#client.closing.throwIfAborted();
      await this.#pause(signal);
    }
  }

  /** Waits until the authority has been asked once, whatever came of it: for an edge that is made for its first request. */
  tried(): Promise<void> {
    this.start();
    return this.#isClosed() ? Promise.resolve() : this.#tried;
  }

  /** Takes note of the version that an answer named. One that names none says nothing. */
  sawVersion(version: string): void {
    if (version !== "" && this.#inForce && version !== this.#inForce.first.version) {
      this.#isStale = true;
      this.#wake?.();
    }
  }

  /** Invariant: a failure never takes away settings that are there. */
  async #keepFresh(): Promise<void> {
    const { logger, login } = this.#client;
    let failing = FIRST_PAUSE_MS;
    while (!this.#isClosed()) {
      this.#isStale = false; // this asking answers it
      try {
        const fresh = new Tenants(await login.getEdgeSettings({}));
        const { version, askAgainAfterMs } = fresh.first;
        if (this.#inForce?.first.version !== version) {
          logger.info("settings of the edge are in force", { version });
          fresh.all.forEach(this.#onChange);
        }
        this.#inForce = fresh;
        failing = FIRST_PAUSE_MS;
        this.#hasTried();
        this.#tell();
        await this.#sleep(SHORTEST_PAUSE_MS, false);
        await this.#sleep(askAgainAfterMs - SHORTEST_PAUSE_MS, true);
      } catch (failure) {
        this.#hasTried();
        if (!this.#isClosed()) {
          logFailure(logger, failure, { askedFor: "settings", kept: this.#inForce !== undefined });
          failing = Math.min(LONGEST_PAUSE_MS, failing * 2);
          await this.#sleep(jittered(failing), false); // however many requests wait
        }
      }
    }
    this.#tell();
  }

  #isClosed(): boolean {
    return this.#client.closing.aborted;
  }

  #tell(): void {
    for (const go of this.#waiting) {
      go();
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** Ends early when the client is closed, or, if it may be woken, when the settings are known to be stale. */
  #sleep(ms: number, mayBeWoken: boolean): Promise<void> {
    const { closing } = this.#client;
    if (closing.aborted || (mayBeWoken && this.#isStale)) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        closing.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      // It keeps no program from ending.
      const timer = setTimeout(done, ms).unref();
      closing.addEventListener("abort", done, { once: true });
      this.#wake = mayBeWoken ? done : undefined;
    });
  }
}
