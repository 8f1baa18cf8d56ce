/** Owns what may be concluded from an answer of ValidateSession. Does not know HTTP. */
import { InconclusiveError } from "./errors.js";
import {
  CsrfRequirement,
  type DeniedSession,
  type InactiveSession,
  type JudgedRequirements,
  type ValidateSessionRequest,
  type ValidateSessionResponse,
} from "./gen/gatelodge/v1/session_pb.js";
import { textOf } from "./latin1.js";
import { areJudged } from "./requirements.js";
import { sessionOf, type Session } from "./session.js";

/** The session lives, and every requirement is met. */
export interface Active {
  readonly kind: "active";
  readonly session: Session;
  /** All that was judged to let the request through. */
  readonly judged: JudgedRequirements | undefined;
  /** Whole Set-Cookie values to deliver with the answer to this very request. */
  readonly setCookies: readonly string[];
  /** A fresh one, when it was asked for; else empty. */
  readonly csrfToken: string;
  /** Of the edge settings in force; empty in an answer from what is kept. */
  readonly settingsVersion: string;
}

/** There is no living session. A reason that is not known here changes nothing. */
export interface Inactive {
  readonly kind: "inactive";
  readonly inactive: InactiveSession;
  readonly settingsVersion: string;
}

/** The session lives, but this request may not go ahead. Treat an unknown reason as 403. */
export interface Denied {
  readonly kind: "denied";
  readonly denied: DeniedSession;
  readonly settingsVersion: string;
}

/** A definite answer about a presented session. "Could not say" is none: it is a {@link GatelodgeError}. */
export type Verdict = Active | Inactive | Denied;

/**
 * Makes a verdict of an answer, or throws.
 *
 * Invariant: an older authority ignores a requirement that it does not know, and its "active" is then no yes; a newer one
 * may give an outcome that is not known here, which is neither yes nor no.
 */
export function readVerdict(question: ValidateSessionRequest, answer: ValidateSessionResponse): Verdict {
  const { outcome, settingsVersion } = answer;
  switch (outcome.case) {
    case "active": {
      const { identity, session, judged, setCookies, csrfToken } = outcome.value;
      if (!identity || !session) {
        throw new InconclusiveError("the authority found a session, and did not say whose");
      }
      const { context, requirements } = question;
      const isCsrfMissing = isCsrfNeeded(requirements?.csrf, context) && judged?.csrf !== true;
      if (isCsrfMissing || !areJudged(requirements, judged)) {
        throw new InconclusiveError(
          "the authority did not judge all that was asked: it may be older than this package",
        );
      }
      const found = sessionOf(identity, session);
      return frozen({ kind: "active", session: found, judged, setCookies, csrfToken, settingsVersion });
    }
    case "inactive":
      return { kind: "inactive", inactive: outcome.value, settingsVersion };
    case "denied":
      return { kind: "denied", denied: outcome.value, settingsVersion };
    default:
      throw new InconclusiveError(
        "the authority gave an outcome that is not known here: it may be newer than this package",
      );
  }
}

/** Several requests may be given the same answer: what one does to it must not reach another. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.values(Object.freeze(value)).forEach(frozen);
  }
  return value;
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Whether a request needs a CSRF token: as it was asked for, or by its method. */
export function isCsrfNeeded(
  csrf: CsrfRequirement = CsrfRequirement.UNSPECIFIED,
  context: { readonly method?: Uint8Array } | undefined,
): boolean {
  return (
    csrf === CsrfRequirement.REQUIRED ||
    (csrf !== CsrfRequirement.NOT_REQUIRED && context !== undefined && !SAFE_METHODS.has(textOf(context.method)))
  );
}
