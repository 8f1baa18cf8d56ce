package io.github.gatelodge.spring;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.TokenRequirement;
import io.github.gatelodge.edge.TokenGuard;
import io.github.gatelodge.servlet.Tokens;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.http.HttpHeaders;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Makes the bearer token what Spring Security knows of a request, in the chain of an API:
 *
 * <pre>{@code
 * http.securityMatcher("/api/**")
 *     .with(new GatelodgeTokenSecurity(client, TokenRequirement.audience("orders")), Customizer.withDefaults())
 *     .authorizeHttpRequests(paths -> paths.anyRequest().authenticated())
 * }</pre>
 *
 * <p>The principal is the {@link io.github.gatelodge.Token}, its name the user id, or the client's of a token that
 * speaks for a program alone, and each scope, role and permission an authority {@code SCOPE_...}, {@code ROLE_...} or
 * {@code PERMISSION_...}. A token that is not good, or lacks what is needed, is refused with the authority's answer,
 * wherever it comes; a request without one only where the chain wants somebody. No cookie is looked at, so Spring's own
 * filter for CSRF is switched off.
 */
public final class GatelodgeTokenSecurity extends AbstractHttpConfigurer<GatelodgeTokenSecurity, HttpSecurity> {
    private final TokenGuard guard;

    public GatelodgeTokenSecurity(GatelodgeClient client, TokenRequirement... needs) {
        this.guard = TokenGuard.require(client, needs);
    }

    @Override
    public void init(HttpSecurity http) throws Exception {
        http.csrf(AbstractHttpConfigurer::disable);
        http.sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS));
        http.exceptionHandling(handling -> handling.authenticationEntryPoint((request, response, refused) -> {
            if (Tokens.admit(guard, request, response)) {
                response.sendError(HttpServletResponse.SC_UNAUTHORIZED); // the chain let nobody in all the same
            }
        }));
    }

    @Override
    public void configure(HttpSecurity http) {
        http.addFilterBefore(new TokensFilter(guard), AnonymousAuthenticationFilter.class);
    }

    private static final class TokensFilter extends OncePerRequestFilter {
        private final TokenGuard guard;

        TokensFilter(TokenGuard guard) {
            this.guard = guard;
        }

        @Override
        protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            if (request.getHeader(HttpHeaders.AUTHORIZATION) != null && !Tokens.admit(guard, request, response)) {
                return;
            }
            Tokens.of(request).ifPresent(token -> Authenticated.of(token).in(request, response));
            chain.doFilter(request, response);
        }
    }
}
