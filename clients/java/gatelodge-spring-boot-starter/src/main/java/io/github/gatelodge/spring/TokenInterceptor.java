package io.github.gatelodge.spring;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.edge.TokenGuard;
import io.github.gatelodge.servlet.Tokens;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/** Asks about the bearer token before a controller's method that wants one runs, and answers where it may not run. */
final class TokenInterceptor implements HandlerInterceptor {
    private final GatelodgeClient client;
    private final Map<Place, Optional<TokenGuard>> guards = new ConcurrentHashMap<>();

    TokenInterceptor(GatelodgeClient client) {
        this.client = client;
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler)
            throws IOException {
        // An asynchronous method's result comes through here again: it was let in already.
        if (!(handler instanceof HandlerMethod method) || request.getDispatcherType() == DispatcherType.ASYNC) {
            return true;
        }
        Optional<TokenGuard> guard = guards.computeIfAbsent(Place.of(method), unread -> TokenGuards.of(method, client));
        return guard.isEmpty() || Tokens.admit(guard.get(), request, response);
    }
}
