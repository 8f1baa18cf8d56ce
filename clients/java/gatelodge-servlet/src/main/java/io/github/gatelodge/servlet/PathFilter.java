package io.github.gatelodge.servlet;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import jakarta.servlet.http.HttpFilter;
import java.util.EnumSet;

/** A guard of an application's paths. What it guards them with is its own. */
abstract class PathFilter extends HttpFilter {
    private static final long serialVersionUID = 1L;
    private final String kind;

    PathFilter(String kind) {
        this.kind = kind;
    }

    /** Guards these paths, given as patterns of servlets such as {@code /account/*}. */
    public void mount(ServletContext context, String... patterns) {
        // Guards may be nested on the same paths, and each has a name of its own.
        String name = kind + " " + context.getFilterRegistrations().size() + " " + String.join(" ", patterns);
        FilterRegistration.Dynamic mounted = context.addFilter(name, this);
        mounted.setAsyncSupported(true);
        mounted.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), true, patterns);
    }
}
