package io.github.gatelodge.servlet;

import io.github.gatelodge.edge.BrowserRequest;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A servlet's request as it came. Containers hand out one character per byte. */
record Came(HttpServletRequest request) implements BrowserRequest {
    @Override
    public String method() {
        return request.getMethod();
    }

    @Override
    public String path() {
        return request.getRequestURI();
    }

    @Override
    public @Nullable String query() {
        return request.getQueryString();
    }

    @Override
    public List<String> headers(String name) {
        return Collections.list(request.getHeaders(name));
    }

    @Override
    public @Nullable String peerAddress() {
        return request.getRemoteAddr();
    }
}
