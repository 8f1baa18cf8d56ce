package io.github.gatelodge.spring;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Token;
import io.github.gatelodge.TokenRequirement;
import io.github.gatelodge.edge.TokenGuard;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.core.MethodParameter;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.web.method.HandlerMethod;

/** Reads what a controller's method wants of bearer tokens. */
final class TokenGuards {
    private TokenGuards() {}

    /** Empty for one that asks for none. */
    static Optional<TokenGuard> of(HandlerMethod handler, GatelodgeClient client) {
        RequireToken required = AnnotatedElementUtils.findMergedAnnotation(handler.getMethod(), RequireToken.class);
        if (required == null) {
            required = AnnotatedElementUtils.findMergedAnnotation(handler.getBeanType(), RequireToken.class);
        }
        if (required != null) {
            return Optional.of(TokenGuard.require(client, needs(required)));
        }
        boolean isTaken = Arrays.stream(handler.getMethodParameters()).anyMatch(TokenGuards::isToken);
        return isTaken ? Optional.of(TokenGuard.require(client)) : Optional.empty();
    }

    static boolean isToken(MethodParameter parameter) {
        return parameter.getParameterType() == Token.class;
    }

    private static TokenRequirement[] needs(RequireToken required) {
        List<TokenRequirement> needs = new ArrayList<>();
        needs.add(TokenRequirement.scopes(required.scopes()));
        needs.add(TokenRequirement.anyScopes(required.anyScopes()));
        needs.add(TokenRequirement.permissions(required.permissions()));
        needs.add(TokenRequirement.anyPermissions(required.anyPermissions()));
        needs.add(TokenRequirement.roles(required.roles()));
        needs.add(TokenRequirement.acrValues(required.acrValues()));
        needs.add(TokenRequirement.amrValues(required.amrValues()));
        needs.add(TokenRequirement.audience(required.audience()));
        needs.add(TokenRequirement.provider(required.provider()));
        if (required.emailVerified()) {
            needs.add(TokenRequirement.emailVerified());
        }
        if (!required.maxLoginAge().isEmpty()) {
            needs.add(TokenRequirement.maxLoginAge(DurationStyle.detectAndParse(required.maxLoginAge())));
        }
        return needs.toArray(TokenRequirement[]::new);
    }
}
