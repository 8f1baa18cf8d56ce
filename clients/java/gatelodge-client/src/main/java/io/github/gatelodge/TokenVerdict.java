package io.github.gatelodge;

import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.v1.ActiveToken;
import io.github.gatelodge.v1.DeniedToken;
import io.github.gatelodge.v1.InactiveToken;
import io.github.gatelodge.v1.TokenRequirements;
import io.github.gatelodge.v1.ValidateTokenRequest;
import io.github.gatelodge.v1.ValidateTokenResponse;

/** A definite answer about a bearer token. */
public sealed interface TokenVerdict {
    /** The token is good, and every requirement is met. */
    record Active(ActiveToken token) implements TokenVerdict {}

    /** The token is not good. Answer as it says. */
    record Inactive(InactiveToken why) implements TokenVerdict {}

    /** The token is good and not enough. Answer as it says. */
    record Denied(DeniedToken why) implements TokenVerdict {}

    /**
     * Makes a verdict of an answer: every requirement that was asked for has to be among those that were judged, and an
     * outcome that this client does not know is neither yes nor no.
     *
     * @throws InconclusiveException the authority could not say
     */
    static TokenVerdict read(ValidateTokenRequest question, ValidateTokenResponse answer) {
        return switch (answer.getOutcomeCase()) {
            case ACTIVE -> {
                if (!answer.getActive().hasIdentity()) {
                    throw new InconclusiveException("the authority found a token good, and did not say whose it is");
                }
                if (!isJudged(question.getRequirements(), answer.getActive().getJudged())) {
                    throw new InconclusiveException(
                            "the authority did not judge all that was asked: it may be older than this client");
                }
                ActiveToken active = answer.getActive();
                if (question.getRefresh() && !active.getIdentity().getUserId().isEmpty() && !active.hasRefreshTime()) {
                    throw new InconclusiveException(
                            "the authority asked nobody anew who that is: it may be older than this client");
                }
                yield new Active(active);
            }
            case INACTIVE -> new Inactive(answer.getInactive());
            case DENIED -> new Denied(answer.getDenied());
            case OUTCOME_NOT_SET ->
                throw new InconclusiveException(
                        "the authority gave an outcome that is not known here: it may be newer than this client");
        };
    }

    /** Whether all that was asked for is among what was judged. */
    static boolean isJudged(TokenRequirements asked, TokenRequirements judged) {
        return Judged.all(asked, judged);
    }
}
