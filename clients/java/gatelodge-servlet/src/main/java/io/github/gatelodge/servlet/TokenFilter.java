package io.github.gatelodge.servlet;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Token;
import io.github.gatelodge.TokenRequirement;
import io.github.gatelodge.edge.TokenGuard;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/**
 * Lets nobody into the routes of an API without a good bearer token: others get 401 or 403 with WWW-Authenticate (RFC
 * 6750), and 503 when the authority can't say.
 *
 * <p>The token is what {@link Tokens#of} says from then on, and its user, if it has one, is the request's remote user.
 * Filters may be nested: the authority is asked once, and again only for requirements that the outer one has not had
 * judged. No token comes with a preflight, so it goes no further: a filter for other origins stands before.
 */
public final class TokenFilter extends PathFilter {
    private static final long serialVersionUID = 1L;
    private final transient TokenGuard guard;

    private TokenFilter(TokenGuard guard) {
        super("gatelodge-tokens");
        this.guard = guard;
    }

    /** Asks by this client for all that is needed. */
    public static TokenFilter require(GatelodgeClient client, TokenRequirement... needs) {
        return new TokenFilter(TokenGuard.require(client, needs));
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (Tokens.admit(guard, request, response)) {
            chain.doFilter(Signed.by(Tokens.of(request).flatMap(Token::userId), request), response);
        }
    }
}
