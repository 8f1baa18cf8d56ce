package io.github.gatelodge.spring;

import io.github.gatelodge.Session;
import io.github.gatelodge.Token;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;

/** Whoever the authority knows, as Spring Security knows them. */
final class Authenticated extends AbstractAuthenticationToken {
    private static final long serialVersionUID = 1L;
    private final transient Object principal;
    private final String name;

    private Authenticated(
            Object principal, String name, List<String> scopes, List<String> roles, List<String> permissions) {
        super(AuthorityUtils.createAuthorityList(
                Stream.of(named("SCOPE_", scopes), named("ROLE_", roles), named("PERMISSION_", permissions))
                        .flatMap(names -> names)
                        .toList()));
        this.principal = principal;
        this.name = name;
        setAuthenticated(true);
    }

    static Authenticated of(Session session) {
        return new Authenticated(session, session.userId(), session.scopes(), session.roles(), session.permissions());
    }

    static Authenticated of(Token token) {
        String name = token.userId().or(token::clientId).orElse("");
        return new Authenticated(token, name, token.scopes(), token.roles(), token.permissions());
    }

    /** Makes it what is known of a request. */
    void in(HttpServletRequest request, HttpServletResponse response) {
        SecurityContext context = SecurityContextHolder.createEmptyContext();
        context.setAuthentication(this);
        SecurityContextHolder.setContext(context);
        new RequestAttributeSecurityContextRepository().saveContext(context, request, response);
    }

    private static Stream<String> named(String prefix, List<String> names) {
        return names.stream().map(prefix::concat);
    }

    @Override
    public Object getPrincipal() {
        return principal;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public @Nullable Object getCredentials() {
        return null;
    }
}
