package io.github.gatelodge.edge;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Token;
import io.github.gatelodge.TokenVerdict;
import io.github.gatelodge.v1.ValidateTokenRequest;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is to be done about a request of an API: let it run, or answer for it. */
public final class TokenAdmission {
    private final Asked asked;
    private final @Nullable Token token;
    private final @Nullable Answer instead;

    private TokenAdmission(Asked asked, @Nullable Token token, @Nullable Answer instead) {
        this.asked = asked;
        this.token = token;
        this.instead = instead;
    }

    /** Who was asked about a request, and what. */
    record Asked(GatelodgeClient client, ValidateTokenRequest question) {
        /** What was asked, and its secret not. */
        @Override
        public String toString() {
            return "Asked[" + question.getRequirements() + "]";
        }
    }

    static TokenAdmission of(Asked asked, Token token) {
        return new TokenAdmission(asked, token, null);
    }

    static TokenAdmission refused(Asked asked, Answer instead) {
        return new TokenAdmission(asked, null, instead);
    }

    /** The good token, if there is one. */
    public Optional<Token> token() {
        return Optional.ofNullable(token);
    }

    /** What to answer instead of letting the application run; empty when it may. */
    public Optional<Answer> instead() {
        return Optional.ofNullable(instead);
    }

    /** Whether it holds for an inner guard too: a yes about the same token, with all judged that is needed there. */
    boolean holdsFor(Asked inner) {
        return token != null
                && asked.client() == inner.client()
                && asked.question().getToken().equals(inner.question().getToken())
                && asked.question().getProvider().equals(inner.question().getProvider())
                && TokenVerdict.isJudged(
                        inner.question().getRequirements(), token.active().getJudged());
    }
}
