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
        FilterRegistration.Dynamic mounted = context.addFilter(kind + " " + String.join(" ", patterns), this);
        mounted.setAsyncSupported(true);
        mounted.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), true, patterns);
    }
}
