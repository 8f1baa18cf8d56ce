package io.github.gatelodge.spring;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.gatelodge.Session;
import io.github.gatelodge.Token;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.servlet.SessionFilter;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RestController;

/** The small application that every language's edge is tested in: tests/edges says which routes it has. */
@SpringBootApplication
@RestController
class Application {
    /** Whoever is logged in, or null. */
    record Whoever(@JsonProperty("user_id") @Nullable String userId) {}

    @GetMapping("/open")
    String open() {
        return "open";
    }

    @GetMapping("/optional")
    Whoever optional(Optional<Session> session) {
        return new Whoever(session.map(Session::userId).orElse(null));
    }

    @GetMapping("/private")
    Whoever see(Session session) {
        return new Whoever(session.userId());
    }

    @PostMapping("/private")
    Whoever change(Session session) {
        return new Whoever(session.userId());
    }

    @RequestMapping(
            path = "/any",
            method = {
                RequestMethod.GET,
                RequestMethod.HEAD,
                RequestMethod.POST,
                RequestMethod.PUT,
                RequestMethod.PATCH,
                RequestMethod.DELETE,
                RequestMethod.OPTIONS
            })
    @RequireSession
    Whoever any(Optional<Session> session) {
        return optional(session);
    }

    @RequestMapping(
            path = "/api",
            method = {
                RequestMethod.GET,
                RequestMethod.HEAD,
                RequestMethod.POST,
                RequestMethod.PUT,
                RequestMethod.PATCH,
                RequestMethod.DELETE,
                RequestMethod.OPTIONS
            })
    Whoever api(Token token) {
        return new Whoever(token.userId().orElse(null));
    }

    @GetMapping("/api/scoped")
    @RequireToken(scopes = "admin")
    Whoever scoped(Token token) {
        return api(token);
    }

    @GetMapping("/scoped")
    @RequireSession(scopes = "admin")
    Whoever scoped(Session session) {
        return new Whoever(session.userId());
    }

    @GetMapping("/role")
    @RequireSession(roles = "clerk")
    Whoever role(Session session) {
        return see(session);
    }

    @GetMapping("/permitted")
    @RequireSession(permissions = "orders.pay")
    Whoever permitted(Session session) {
        return see(session);
    }

    @GetMapping("/verified")
    @RequireSession(emailVerified = true)
    Whoever verified(Session session) {
        return see(session);
    }

    @GetMapping("/strong")
    @RequireSession(acrValues = "2")
    Whoever strong(Session session) {
        return see(session);
    }

    @GetMapping("/two-factor")
    @RequireSession(amrValues = "otp")
    Whoever twoFactor(Session session) {
        return see(session);
    }

    @GetMapping("/api/orders")
    @RequireToken(audience = "orders")
    Whoever orders(Token token) {
        return api(token);
    }

    @GetMapping("/api/strong")
    @RequireToken(acrValues = "2")
    Whoever strong(Token token) {
        return api(token);
    }

    @GetMapping("/both")
    Whoever both(Session session, Token token) {
        return see(session);
    }

    /** Behind a filter's guard too. */
    @GetMapping("/twice")
    @RequireSession(scopes = "admin")
    Whoever twice(Session session) {
        return see(session);
    }

    @Bean
    FilterRegistrationBean<SessionFilter> outer(Gate gate) {
        FilterRegistrationBean<SessionFilter> outer = new FilterRegistrationBean<>(SessionFilter.require(gate));
        outer.addUrlPatterns("/twice");
        return outer;
    }

    @GetMapping("/fresh")
    @RequireSession(maxLoginAge = "1s")
    Whoever fresh(Session session) {
        return new Whoever(session.userId());
    }
}
