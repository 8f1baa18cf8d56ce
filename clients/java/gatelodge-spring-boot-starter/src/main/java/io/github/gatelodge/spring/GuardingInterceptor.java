package io.github.gatelodge.spring;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * Guards the controllers' methods that want it, and answers where one may not run. What a guard asks about is its own.
 *
 * @param <G> the guard of a method
 */
abstract class GuardingInterceptor<G> implements HandlerInterceptor {
    private final Map<Place, Optional<G>> guards = new ConcurrentHashMap<>();

    /** Reads what a method wants; empty for nothing. */
    abstract Optional<G> guardOf(HandlerMethod method);

    /** Whether the method gets the request; else it is answered. */
    abstract boolean admit(G guard, HttpServletRequest request, HttpServletResponse response) throws IOException;

    @Override
    public final boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler)
            throws IOException {
        // An asynchronous method's result comes through here again: it was let in already.
        if (!(handler instanceof HandlerMethod method) || request.getDispatcherType() == DispatcherType.ASYNC) {
            return true;
        }
        Optional<G> guard = guards.computeIfAbsent(Place.of(method), unread -> guardOf(method));
        return guard.isEmpty() || admit(guard.get(), request, response);
    }
}
