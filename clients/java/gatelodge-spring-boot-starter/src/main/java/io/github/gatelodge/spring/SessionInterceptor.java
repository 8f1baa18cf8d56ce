package io.github.gatelodge.spring;

import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.edge.Guard;
import io.github.gatelodge.servlet.Sessions;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/** Looks for the session before a controller's method that wants one runs, and answers where it may not run. */
final class SessionInterceptor implements HandlerInterceptor {
    private final Gate gate;
    private final Map<Place, Optional<Guard>> guards = new ConcurrentHashMap<>();

    SessionInterceptor(Gate gate) {
        this.gate = gate;
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler)
            throws IOException {
        // An asynchronous method's result comes through here again: it was let in already.
        if (!(handler instanceof HandlerMethod method) || request.getDispatcherType() == DispatcherType.ASYNC) {
            return true;
        }
        Optional<Guard> guard = guards.computeIfAbsent(Place.of(method), unread -> Guards.of(method));
        return guard.isEmpty() || Sessions.admit(gate, guard.get(), request, response);
    }
}
