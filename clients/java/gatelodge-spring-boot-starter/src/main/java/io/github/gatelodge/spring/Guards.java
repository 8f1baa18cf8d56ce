package io.github.gatelodge.spring;

import io.github.gatelodge.Requirement;
import io.github.gatelodge.Session;
import io.github.gatelodge.edge.Guard;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.core.MethodParameter;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.web.method.HandlerMethod;

/** Reads what a controller's method wants of sessions. */
final class Guards {
    private Guards() {}

    /** Empty for one that looks for no session. */
    static Optional<Guard> of(HandlerMethod handler) {
        RequireSession required = AnnotatedElementUtils.findMergedAnnotation(handler.getMethod(), RequireSession.class);
        if (required == null) {
            required = AnnotatedElementUtils.findMergedAnnotation(handler.getBeanType(), RequireSession.class);
        }
        if (required != null) {
            return Optional.of(Guard.require(needs(required)));
        }
        if (Arrays.stream(handler.getMethodParameters()).anyMatch(Guards::isSession)) {
            return Optional.of(Guard.require());
        }
        boolean isOptional = Arrays.stream(handler.getMethodParameters()).anyMatch(Guards::isOptionalSession);
        return isOptional ? Optional.of(Guard.sessions()) : Optional.empty();
    }

    static boolean isSession(MethodParameter parameter) {
        return parameter.getParameterType() == Session.class;
    }

    static boolean isOptionalSession(MethodParameter parameter) {
        return parameter.getParameterType() == Optional.class
                && parameter.nested().getNestedParameterType() == Session.class;
    }

    private static Requirement[] needs(RequireSession required) {
        List<Requirement> needs = new ArrayList<>();
        needs.add(Requirement.scopes(required.scopes()));
        needs.add(Requirement.anyScopes(required.anyScopes()));
        needs.add(Requirement.permissions(required.permissions()));
        needs.add(Requirement.anyPermissions(required.anyPermissions()));
        needs.add(Requirement.roles(required.roles()));
        needs.add(Requirement.acrValues(required.acrValues()));
        needs.add(Requirement.amrValues(required.amrValues()));
        if (required.emailVerified()) {
            needs.add(Requirement.emailVerified());
        }
        if (!required.maxLoginAge().isEmpty()) {
            needs.add(Requirement.maxLoginAge(DurationStyle.detectAndParse(required.maxLoginAge())));
        }
        switch (required.csrf()) {
            case REQUIRED -> needs.add(Requirement.csrfRequired());
            case NOT_REQUIRED -> needs.add(Requirement.csrfNotRequired());
            case BY_METHOD -> {}
        }
        return needs.toArray(Requirement[]::new);
    }
}
