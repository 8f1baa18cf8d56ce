package io.github.gatelodge.spring;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.edge.TokenGuard;
import io.github.gatelodge.servlet.Tokens;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import org.springframework.web.method.HandlerMethod;

/** Asks about the bearer token before a controller's method that wants one runs. */
final class TokenInterceptor extends GuardingInterceptor<TokenGuard> {
    private final GatelodgeClient client;

    TokenInterceptor(GatelodgeClient client) {
        this.client = client;
    }

    @Override
    Optional<TokenGuard> guardOf(HandlerMethod method) {
        return TokenGuards.of(method, client);
    }

    @Override
    boolean admit(TokenGuard guard, HttpServletRequest request, HttpServletResponse response) throws IOException {
        return Tokens.admit(guard, request, response);
    }
}
