/** Owns a client together with the settings of an edge: the sessions of an application's own requests. */
import type { Client, Sessions } from "./client.js";
import {
  checkDelivery,
  failed,
  forbidden,
  notSignedIn,
  unavailable,
  type Answer,
  type Asker,
  type Header,
} from "./answer.js";
import { preflight, shared } from "./cors.js";
import { InconclusiveError } from "./errors.js";
import type { Requirements } from "./gen/gatelodge/v1/session_pb.js";
import { Keeper } from "./keeper.js";
import { contextOf, hostOf, isPreflight, lines, sessionCookies, type RawRequest } from "./presented.js";
import { areJudged, requirementsOf, type Needs } from "./requirements.js";
import type { Session } from "./session.js";
import type { Settings } from "./settings.js";
import type { Active, Inactive, Verdict } from "./verdict.js";

/** A rule for a route. */
export interface Rule {
  /** Whether nobody may enter without a session. */
  readonly isRequired: boolean;
  readonly requirements: Requirements;
  /** Whether cookies can be delivered with the answer to this very request. */
  readonly canSetCookies: boolean;
}

/** The rule of a guard. */
export function rule(isRequired: boolean, needs: Needs = {}, canSetCookies = true): Rule {
  return { isRequired, requirements: requirementsOf(needs), canSetCookies };
}

/** A request that was let through. */
export interface Admission {
  readonly session: Session | undefined;
  /** What it was let through by; absent for a preflight, which is not validated. */
  readonly checked: Checked | undefined;
}

/** What was asked about a request, and what came of it, for a guard further in. */
interface Checked {
  readonly gate: Gate;
  readonly method: string;
  readonly cookies: string;
  readonly csrf: Requirements["csrf"];
  /** The response header that a fresh CSRF token goes into. */
  readonly csrfHeader: string;
  readonly verdict: Active | Inactive;
}

/** What became of a request: it goes ahead, or has its answer. */
export type Outcome = { readonly admission: Admission } | { readonly answer: Answer };

/** Looks for the session behind requests, once each. It lives until its client is closed. */
export class Gate {
  readonly client: Client;
  readonly keeper: Keeper;
  /** Who answers questions about presented sessions: the client, or what stands before it. */
  readonly sessions: Pick<Sessions, "check">;

  constructor(client: Client, onSettings: (settings: Settings) => void = () => undefined) {
    this.client = client;
    this.sessions = client.sessions;
    this.keeper = new Keeper(client, onSettings);
  }

  /** The settings in force for a request: those of the tenant whose host it names. */
  settings(request: RawRequest): Settings | undefined {
    return this.keeper.tenants?.of(hostOf(request));
  }

  /**
   * Asks who is behind a request, and whether it may go ahead.
   *
   * @param outer what a guard further out found: its verdict holds here too, unless this rule needs more.
   */
  async admit(request: RawRequest, rule: Rule, outer?: Admission): Promise<Outcome> {
    const asker: Asker = { requestId: request.requestId, logger: this.client.logger };
    if (isPreflight(request)) {
      const settings = this.settings(request);
      return rule.isRequired
        ? { answer: settings ? shared(request, settings, preflight(request, settings.cors)) : unavailable(asker) }
        : { admission: { session: undefined, checked: undefined } };
    }
    try {
      const verdict = outer?.checked && this.#holds(outer.checked, request, rule) ? outer.checked.verdict : undefined;
      const found = verdict ?? (await this.check(request, rule));
      if (found.kind === "denied") {
        return { answer: forbidden(asker, found.denied.answer) };
      }
      if (found.kind === "inactive" && rule.isRequired) {
        return { answer: notSignedIn(asker, found.inactive.answer) };
      }
      const checked: Checked = {
        gate: this,
        method: request.method,
        cookies: cookiesOf(request),
        csrf: rule.requirements.csrf,
        csrfHeader: this.settings(request)?.csrfHeader ?? "",
        verdict: found,
      };
      return { admission: { session: found.kind === "active" ? found.session : undefined, checked } };
    } catch (failure) {
      return { answer: failed(asker, failure) };
    }
  }

  /** Asks about a request, and throws where the authority could not say. */
  async check(request: RawRequest, { requirements, canSetCookies }: Rule): Promise<Verdict> {
    const settings = this.settings(request);
    if (!settings) {
      throw new InconclusiveError("no settings have come from the authority yet");
    }
    const question = {
      cookies: sessionCookies(request, settings),
      context: contextOf(request, settings),
      requirements,
      canSetCookies,
    };
    const verdict = await this.sessions.check(question, { requestId: request.requestId });
    this.keeper.sawVersion(verdict.settingsVersion);
    if (verdict.kind === "active") {
      checkDelivery(verdict);
    }
    return verdict;
  }

  /** Another setting for CSRF, or a method or cookies that were changed on the way, make another question. */
  #holds(outer: Checked, request: RawRequest, { requirements }: Rule): boolean {
    const { verdict } = outer;
    return (
      outer.gate === this &&
      outer.method === request.method &&
      outer.csrf === requirements.csrf &&
      outer.cookies === cookiesOf(request) &&
      (verdict.kind === "inactive" || areJudged(requirements, verdict.judged))
    );
  }
}

function cookiesOf(request: RawRequest): string {
  return lines(request, "cookie").join("\n");
}

/**
 * The headers to deliver with the response to an admitted request: a renewed credential, and the CSRF token that goes with
 * it. Caches must not hand them to others (security.md 66).
 */
export function headersToDeliver({ checked }: Admission): readonly Header[] {
  if (checked?.verdict.kind !== "active") {
    return [];
  }
  const { setCookies, csrfToken } = checked.verdict;
  const headers = setCookies.map((cookie): Header => ["set-cookie", cookie]);
  if (csrfToken !== "" && checked.csrfHeader !== "") {
    headers.push([checked.csrfHeader, csrfToken]);
  }
  return headers.length > 0 ? [["cache-control", "no-store"], ...headers] : [];
}
