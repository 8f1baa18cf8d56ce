/** Owns what may be concluded from an answer of ValidateToken. Does not know HTTP. */
import { InconclusiveError } from "./errors.js";
import type {
  ActiveToken,
  DeniedToken,
  InactiveToken,
  TokenRequirements,
  ValidateTokenRequest,
  ValidateTokenResponse,
} from "./gen/gatelodge/v1/token_pb.js";
import { areJudged } from "./requirements.js";

/** A definite answer about a bearer token: it is good and enough; it is not good; it is good and not enough. */
export type TokenVerdict =
  | { readonly kind: "active"; readonly active: ActiveToken }
  | { readonly kind: "inactive"; readonly inactive: InactiveToken }
  | { readonly kind: "denied"; readonly denied: DeniedToken };

/** Makes a verdict of an answer, or throws: what was not judged is no yes, what is not known here neither yes nor no. */
export function readTokenVerdict(question: ValidateTokenRequest, { outcome }: ValidateTokenResponse): TokenVerdict {
  switch (outcome.case) {
    case "active":
      if (!outcome.value.identity) {
        throw new InconclusiveError("the authority found a token good, and did not say whose it is");
      }
      if (!isJudged(question.requirements, outcome.value.judged)) {
        throw new InconclusiveError(
          "the authority did not judge all that was asked: it may be older than this package",
        );
      }
      if (question.refresh && outcome.value.identity.userId !== "" && !outcome.value.refreshTime) {
        throw new InconclusiveError("the authority asked nobody anew who that is: it may be older than this package");
      }
      return { kind: "active", active: outcome.value };
    case "inactive":
      return { kind: "inactive", inactive: outcome.value };
    case "denied":
      return { kind: "denied", denied: outcome.value };
    default:
      throw new InconclusiveError(
        "the authority gave an outcome that is not known here: it may be newer than this package",
      );
  }
}

/** Whether all that was asked for was judged, the audience too. */
export function isJudged(asked: TokenRequirements | undefined, judged: TokenRequirements | undefined): boolean {
  const audience = asked?.audience ?? "";
  return (audience === "" || audience === judged?.audience) && areJudged(asked, judged);
}
