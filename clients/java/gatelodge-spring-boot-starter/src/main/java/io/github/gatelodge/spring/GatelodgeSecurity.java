package io.github.gatelodge.spring;

import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.edge.Guard;
import io.github.gatelodge.servlet.Sessions;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Makes the session what Spring Security knows of a request:
 *
 * <pre>{@code
 * http.with(new GatelodgeSecurity(gate), Customizer.withDefaults())
 *     .authorizeHttpRequests(paths -> paths.requestMatchers("/open").permitAll().anyRequest().authenticated())
 * }</pre>
 *
 * <p>The principal is the {@link io.github.gatelodge.Session}, its name the user id, and each scope, role and
 * permission an authority {@code SCOPE_...}, {@code ROLE_...} or {@code PERMISSION_...}. Whoever has no session and
 * needs one gets the authority's answer. CSRF and origin are the authority's to judge, so Spring's own filter for them
 * is switched off. A preflight that Spring's own {@code cors()} does not answer, and that needs a session, is answered
 * as on the edge's own routes.
 */
public final class GatelodgeSecurity extends AbstractHttpConfigurer<GatelodgeSecurity, HttpSecurity> {
    private final Gate gate;

    public GatelodgeSecurity(Gate gate) {
        this.gate = gate;
    }

    @Override
    public void init(HttpSecurity http) throws Exception {
        http.csrf(AbstractHttpConfigurer::disable);
        http.exceptionHandling(handling ->
                handling.authenticationEntryPoint((request, response, refused) -> Sessions.refuse(request, response)));
    }

    @Override
    public void configure(HttpSecurity http) {
        http.addFilterBefore(new SessionsFilter(gate), AnonymousAuthenticationFilter.class);
    }

    private static final class SessionsFilter extends OncePerRequestFilter {
        private final Gate gate;

        SessionsFilter(Gate gate) {
            this.gate = gate;
        }

        @Override
        protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            if (!Sessions.admit(gate, Guard.sessions(), request, response)) {
                return;
            }
            Sessions.of(request).ifPresent(session -> {
                Authenticated.of(session).in(request, response);
            });
            chain.doFilter(request, response);
        }
    }
}
