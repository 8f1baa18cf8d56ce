package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Token;
import io.github.gatelodge.TokenRequirement;
import io.github.gatelodge.TokenVerdict;
import io.github.gatelodge.edge.TokenAdmission.Asked;
import io.github.gatelodge.v1.ValidateTokenRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Lets nobody in without a good bearer token (RFC 6750) that meets what a route of an API needs. It needs neither a
 * {@link Gate} nor the edge's routes. A preflight carries no token, and is judged as every request without one: rules
 * for other origins stand before.
 */
public final class TokenGuard {
    private static final String SCHEME = "bearer ";

    private final GatelodgeClient client;
    private final ValidateTokenRequest needs;

    private TokenGuard(GatelodgeClient client, ValidateTokenRequest needs) {
        this.client = client;
        this.needs = needs;
    }

    /** A guard that asks by this client for all that is needed. */
    public static TokenGuard require(GatelodgeClient client, TokenRequirement... needs) {
        return new TokenGuard(client, TokenRequirement.all(needs));
    }

    /** Asks whose token came with a request, and whether the request may go ahead. */
    public TokenAdmission admit(BrowserRequest request) {
        return admit(request, null);
    }

    /**
     * As an inner guard of a request, of which an outer one has asked already: asks again only for what the outer one
     * has not had judged.
     */
    public TokenAdmission admit(BrowserRequest request, @Nullable TokenAdmission outer) {
        ValidateTokenRequest question =
                needs.toBuilder().setToken(presented(request)).build();
        Asked asked = new Asked(client, question);
        if (outer != null && outer.holdsFor(asked)) {
            return outer;
        }
        Answers answers = new Answers(Presented.requestId(request));
        try {
            TokenVerdict verdict =
                    client.forRequest(answers.requestId()).tokens().check(question);
            if (verdict instanceof TokenVerdict.Inactive inactive) {
                return TokenAdmission.refused(asked, answers.copy(inactive.why().getAnswer()));
            }
            if (verdict instanceof TokenVerdict.Denied denied) {
                return TokenAdmission.refused(asked, answers.copy(denied.why().getAnswer()));
            }
            return TokenAdmission.of(asked, new Token(((TokenVerdict.Active) verdict).token()));
        } catch (RuntimeException failed) {
            return TokenAdmission.refused(asked, answers.failed(failed));
        }
    }

    /** What follows "Bearer " (RFC 6750, 2.1); nothing of several lines, since nobody knows which one counts. */
    private static ByteString presented(BrowserRequest request) {
        List<String> lines = request.headers("Authorization");
        String line = lines.size() == 1 ? lines.get(0) : "";
        return line.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                ? Text.bytes(Text.trimmed(line.substring(SCHEME.length())))
                : ByteString.EMPTY;
    }
}
