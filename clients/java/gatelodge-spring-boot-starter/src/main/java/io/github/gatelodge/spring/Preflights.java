package io.github.gatelodge.spring;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.edge.Guard;
import io.github.gatelodge.edge.TokenGuard;
import io.github.gatelodge.servlet.Sessions;
import io.github.gatelodge.servlet.Tokens;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.Enumeration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.http.HttpHeaders;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsProcessor;
import org.springframework.web.cors.CorsUtils;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerExecutionChain;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/**
 * Answers preflights for controllers' methods that need a session, by the edge's settings; one for a method that needs
 * a bearer token is a request without one. Spring refuses a preflight before any interceptor sees it, unless the
 * application has rules for other origins; where it has, they are in force.
 */
final class Preflights implements CorsProcessor {
    private final ObjectProvider<Gate> gate;
    private final ObjectProvider<GatelodgeClient> client;
    private final RequestMappingHandlerMapping controllers;
    private final CorsProcessor springs;

    private Preflights(
            ObjectProvider<Gate> gate,
            ObjectProvider<GatelodgeClient> client,
            RequestMappingHandlerMapping controllers) {
        this.gate = gate;
        this.client = client;
        this.controllers = controllers;
        this.springs = controllers.getCorsProcessor();
    }

    /** Puts one before Spring's own, wherever controllers are. */
    static BeanPostProcessor before(ObjectProvider<Gate> gate, ObjectProvider<GatelodgeClient> client) {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                if (bean instanceof RequestMappingHandlerMapping controllers) {
                    controllers.setCorsProcessor(new Preflights(gate, client, controllers));
                }
                return bean;
            }
        };
    }

    @Override
    public boolean processRequest(
            @Nullable CorsConfiguration rules, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        if (rules == null && CorsUtils.isPreFlightRequest(request)) {
            Optional<HandlerMethod> asked = askedFor(request);
            Optional<Guard> guard = asked.flatMap(Guards::of).filter(Guard::isRequired);
            if (guard.isPresent()) {
                return Sessions.admit(gate.getObject(), guard.get(), request, response);
            }
            Optional<TokenGuard> bearer = asked.flatMap(method -> TokenGuards.of(method, client.getObject()));
            if (bearer.isPresent() && !Tokens.admit(bearer.get(), request, response)) {
                return false;
            }
        }
        return springs.processRequest(rules, request, response);
    }

    /** The controller's method that a preflight asks for. */
    private Optional<HandlerMethod> askedFor(HttpServletRequest preflight) {
        try {
            HandlerExecutionChain chain = controllers.getHandler(new AskedFor(preflight));
            return chain != null && chain.getHandler() instanceof HandlerMethod method
                    ? Optional.of(method)
                    : Optional.empty();
        } catch (Exception notTaken) { // as it would be for the request itself
            return Optional.empty();
        }
    }

    /** The request that a browser means to send. */
    private static final class AskedFor extends HttpServletRequestWrapper {
        AskedFor(HttpServletRequest preflight) {
            super(preflight);
        }

        @Override
        public String getMethod() {
            return super.getHeader(HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD);
        }

        @Override
        public @Nullable String getHeader(String name) {
            return isOfPreflight(name) ? null : super.getHeader(name);
        }

        @Override
        public Enumeration<String> getHeaders(String name) {
            return isOfPreflight(name) ? Collections.emptyEnumeration() : super.getHeaders(name);
        }

        private static boolean isOfPreflight(String name) {
            return name.equalsIgnoreCase(HttpHeaders.ORIGIN)
                    || name.equalsIgnoreCase(HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD);
        }
    }
}
