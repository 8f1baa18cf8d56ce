package io.github.gatelodge.servlet;

import io.github.gatelodge.Session;
import io.github.gatelodge.edge.Admission;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.edge.Guard;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The session behind a request, as a guard found it. */
public final class Sessions {
    private static final String ADMISSION = Admission.class.getName();

    private Sessions() {}

    /** Who is behind a request; empty when nobody is logged in, and where no guard has looked. */
    public static Optional<Session> of(ServletRequest request) {
        return Optional.ofNullable(admission(request)).flatMap(Admission::session);
    }

    /**
     * Looks for the session behind a request, once, and says whether the application gets it; else it is answered. For
     * frameworks that know a route only after filters have run; {@link SessionFilter} is for all others.
     */
    public static boolean admit(Gate gate, Guard guard, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        Admission outer = admission(request);
        Admission admission = gate.admit(new Came(request), guard, outer);
        Delivery delivery = Delivery.of(request);
        if (admission.isAsked() && delivery != null) {
            delivery.take(admission);
        }
        if (admission.instead().isPresent()) {
            Delivery.answer(admission.instead().get(), request, response);
            return false;
        }
        if (outer == null && admission.isLookedFor()) {
            Sent.varyBy(response, "Cookie");
        }
        request.setAttribute(ADMISSION, admission);
        return true;
    }

    /**
     * Answers a request that needs a session and has none, as the authority said when it was looked for: a redirect to
     * the login, or 401 JSON. For frameworks that find out later what a route needs.
     */
    public static void refuse(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Admission admission = admission(request);
        if (admission == null) {
            response.sendError(HttpServletResponse.SC_UNAUTHORIZED);
        } else {
            Delivery.answer(admission.notSignedIn(), request, response);
        }
    }

    private static @Nullable Admission admission(ServletRequest request) {
        return request.getAttribute(ADMISSION) instanceof Admission admission ? admission : null;
    }
}
