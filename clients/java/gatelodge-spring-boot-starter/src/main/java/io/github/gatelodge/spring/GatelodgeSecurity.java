package io.github.gatelodge.spring;

import io.github.gatelodge.Session;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.edge.Guard;
import io.github.gatelodge.servlet.Sessions;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;
import org.springframework.security.web.context.SecurityContextRepository;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Makes the session what Spring Security knows of a request:
 *
 * <pre>{@code
 * http.with(new GatelodgeSecurity(gate), Customizer.withDefaults())
 *     .authorizeHttpRequests(paths -> paths.requestMatchers("/open").permitAll().anyRequest().authenticated())
 * }</pre>
 *
 * <p>The principal is the {@link Session}, its name the user id, and each scope, role and permission an authority
 * {@code SCOPE_...}, {@code ROLE_...} or {@code PERMISSION_...}. Whoever has no session and needs one gets the
 * authority's answer. CSRF and origin are the authority's to judge, so Spring's own filter for them is switched off. A
 * preflight that Spring's own {@code cors()} does not answer, and that needs a session, is answered as on the edge's
 * own routes.
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
        private final SecurityContextRepository contexts = new RequestAttributeSecurityContextRepository();
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
                SecurityContext context = SecurityContextHolder.createEmptyContext();
                context.setAuthentication(new SignedIn(session));
                SecurityContextHolder.setContext(context);
                contexts.saveContext(context, request, response);
            });
            chain.doFilter(request, response);
        }
    }

    private static final class SignedIn extends AbstractAuthenticationToken {
        private static final long serialVersionUID = 1L;
        private final transient Session session;

        SignedIn(Session session) {
            super(AuthorityUtils.createAuthorityList(Stream.of(
                            named("SCOPE_", session.scopes()),
                            named("ROLE_", session.roles()),
                            named("PERMISSION_", session.permissions()))
                    .flatMap(names -> names)
                    .toList()));
            this.session = session;
            setAuthenticated(true);
        }

        private static Stream<String> named(String prefix, List<String> names) {
            return names.stream().map(prefix::concat);
        }

        @Override
        public Object getPrincipal() {
            return session;
        }

        @Override
        public String getName() {
            return session.userId();
        }

        @Override
        public @Nullable Object getCredentials() {
            return null;
        }
    }
}
