package io.github.gatelodge.servlet;

import io.github.gatelodge.edge.BrowserRequest;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A servlet's request as it came. Containers hand out one character per byte of a header. */
record Came(HttpServletRequest request) implements BrowserRequest {
    @Override
    public String method() {
        return request.getMethod();
    }

    @Override
    public String path() {
        return undecoded(request.getRequestURI());
    }

    @Override
    public @Nullable String query() {
        String query = request.getQueryString();
        return query == null ? null : undecoded(query);
    }

    @Override
    public List<String> headers(String name) {
        return Collections.list(request.getHeaders(name));
    }

    @Override
    public @Nullable String peerAddress() {
        return request.getRemoteAddr();
    }

    /** Some containers refuse bytes beyond ASCII in a request line, and some (Jetty) read them as UTF-8. */
    private static String undecoded(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }
}
