package io.github.gatelodge.servlet;

import io.github.gatelodge.Requirement;
import io.github.gatelodge.Session;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.edge.Guard;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;

/**
 * Looks for the session behind every request before the application sees it.
 *
 * <p>A living session is what {@link Sessions#of} says from then on, and its user id is the request's remote user. A
 * request that the session may not make (CSRF, origin) gets the authority's answer. When the authority can't say, the
 * browser gets 503 and keeps its cookies. Leave routes that need no session (assets, health) outside.
 *
 * <p>Filters may be nested: the authority is asked once, and again only for requirements that the outer one has not had
 * judged.
 */
public final class SessionFilter extends PathFilter {
    private static final long serialVersionUID = 1L;
    private final transient Gate gate;
    private final transient Guard guard;

    private SessionFilter(Gate gate, Guard guard) {
        super("gatelodge-sessions");
        this.gate = gate;
        this.guard = guard;
    }

    /** Without a session the application goes ahead. */
    public static SessionFilter sessions(Gate gate, Requirement... needs) {
        return new SessionFilter(gate, Guard.sessions(needs));
    }

    /** Keeps out everybody who has no session: a browser is sent to the login, a fetch gets 401 JSON. */
    public static SessionFilter require(Gate gate, Requirement... needs) {
        return new SessionFilter(gate, Guard.require(needs));
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        boolean isOutermost = Delivery.of(request) == null;
        Delivery delivery = Delivery.ensure(request, response);
        HttpServletResponse through = isOutermost ? delivery : response;
        if (!Sessions.admit(gate, guard, request, through)) {
            return;
        }
        Optional<Session> session = Sessions.of(request);
        try {
            HttpServletRequest signed = Signed.by(session.map(Session::userId), request);
            chain.doFilter(isOutermost ? delivery.before(signed) : signed, through);
        } finally {
            delivery.end();
        }
    }
}
