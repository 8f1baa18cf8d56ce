package io.github.gatelodge.servlet;

import io.github.gatelodge.Token;
import io.github.gatelodge.edge.TokenAdmission;
import io.github.gatelodge.edge.TokenGuard;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The bearer token behind a request, as a guard found it. */
public final class Tokens {
    private static final String ADMISSION = TokenAdmission.class.getName();

    private Tokens() {}

    /** The good token that came with a request; empty where no guard has asked for one. */
    public static Optional<Token> of(ServletRequest request) {
        return Optional.ofNullable(admission(request)).flatMap(TokenAdmission::token);
    }

    /**
     * Asks about the token of a request, once, and says whether the application gets the request; else it is answered.
     * For frameworks that know a route only after filters have run; {@link TokenFilter} is for all others.
     */
    public static boolean admit(TokenGuard guard, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        TokenAdmission admission = guard.admit(new Came(request), admission(request));
        if (admission.instead().isPresent()) {
            Delivery.answer(admission.instead().get(), request, response);
            return false;
        }
        request.setAttribute(ADMISSION, admission);
        return true;
    }

    private static @Nullable TokenAdmission admission(ServletRequest request) {
        return request.getAttribute(ADMISSION) instanceof TokenAdmission admission ? admission : null;
    }
}
