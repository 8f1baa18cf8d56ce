package io.github.gatelodge.spring;

import io.github.gatelodge.Session;
import io.github.gatelodge.servlet.Sessions;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;
import org.springframework.web.bind.support.WebDataBinderFactory;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.method.support.ModelAndViewContainer;

/** Gives a controller's method the {@code Session}, or the {@code Optional<Session>}, that it takes. */
final class SessionArgument implements HandlerMethodArgumentResolver {
    @Override
    public boolean supportsParameter(MethodParameter parameter) {
        return Guards.isSession(parameter) || Guards.isOptionalSession(parameter);
    }

    @Override
    public @Nullable Object resolveArgument(
            MethodParameter parameter,
            @Nullable ModelAndViewContainer container,
            NativeWebRequest request,
            @Nullable WebDataBinderFactory binders) {
        HttpServletRequest came = request.getNativeRequest(HttpServletRequest.class);
        Optional<Session> session = came == null ? Optional.empty() : Sessions.of(came);
        return Guards.isSession(parameter) ? session.orElse(null) : session;
    }
}
