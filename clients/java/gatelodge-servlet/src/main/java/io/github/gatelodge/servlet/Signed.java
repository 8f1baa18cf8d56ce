package io.github.gatelodge.servlet;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.security.Principal;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A request whose remote user is whom a guard found behind it. */
final class Signed extends HttpServletRequestWrapper {
    private final Principal principal;

    private Signed(HttpServletRequest request, String userId) {
        super(request);
        this.principal = () -> userId;
    }

    /** The request as it is where there is no user. */
    static HttpServletRequest by(Optional<String> userId, HttpServletRequest request) {
        return userId.isPresent() ? new Signed(request, userId.get()) : request;
    }

    @Override
    public Principal getUserPrincipal() {
        return principal;
    }

    @Override
    public @Nullable String getRemoteUser() {
        return principal.getName();
    }
}
