package io.github.gatelodge.spring;

import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.edge.Guard;
import io.github.gatelodge.servlet.Sessions;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import org.springframework.web.method.HandlerMethod;

/** Looks for the session before a controller's method that wants one runs. */
final class SessionInterceptor extends GuardingInterceptor<Guard> {
    private final Gate gate;

    SessionInterceptor(Gate gate) {
        this.gate = gate;
    }

    @Override
    Optional<Guard> guardOf(HandlerMethod method) {
        return Guards.of(method);
    }

    @Override
    boolean admit(Guard guard, HttpServletRequest request, HttpServletResponse response) throws IOException {
        return Sessions.admit(gate, guard, request, response);
    }
}
