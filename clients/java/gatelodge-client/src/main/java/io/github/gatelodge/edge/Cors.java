package io.github.gatelodge.edge;

import io.github.gatelodge.edge.Answer.Header;
import io.github.gatelodge.v1.CorsSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How the edge's routes answer requests from other origins (Fetch, "CORS protocol"). They go by the settings alone, and
 * guard nothing: what an origin may do is the authority's to judge.
 *
 * @param maxAge in seconds; empty for none, as the other values
 */
record Cors(
        List<String> allowedOrigins,
        String allowedMethods,
        String allowedHeaders,
        String exposedHeaders,
        String maxAge) {
    static Cors of(CorsSettings given) {
        return new Cors(
                given.getAllowedOriginsList(),
                String.join(", ", given.getAllowedMethodsList()),
                String.join(", ", given.getAllowedHeadersList()),
                String.join(", ", given.getExposedHeadersList()),
                given.hasMaxAge() ? Long.toString(given.getMaxAge().getSeconds()) : "");
    }

    boolean isUsable() {
        return Text.isHeaderValue(allowedMethods)
                && Text.isHeaderValue(allowedHeaders)
                && Text.isHeaderValue(exposedHeaders);
    }

    /** What a preflight may know; it is added for an allowed origin alone. */
    List<Header> preflight(BrowserRequest request) {
        List<Header> headers = new ArrayList<>();
        if (allowedOrigin(request).isPresent()
                && !request.headers("Access-Control-Request-Method").isEmpty()) {
            put(headers, "Access-Control-Allow-Methods", allowedMethods);
            put(headers, "Access-Control-Allow-Headers", allowedHeaders);
            put(headers, "Access-Control-Max-Age", maxAge);
        }
        return headers;
    }

    /** Lets an allowed origin read an answer. Caches have to know that others may not. */
    List<Header> share(BrowserRequest request) {
        List<Header> headers = new ArrayList<>();
        headers.add(new Header("Vary", "Origin"));
        allowedOrigin(request).ifPresent(origin -> {
            headers.add(new Header("Access-Control-Allow-Origin", origin));
            headers.add(new Header("Access-Control-Allow-Credentials", "true"));
            put(headers, "Access-Control-Expose-Headers", exposedHeaders);
        });
        return headers;
    }

    /** The request's origin, if it came once and equals an allowed one byte for byte (security.md 72). */
    private Optional<String> allowedOrigin(BrowserRequest request) {
        List<String> origins = request.headers("Origin");
        return origins.size() == 1 && allowedOrigins.contains(origins.get(0))
                ? Optional.of(origins.get(0))
                : Optional.empty();
    }

    private static void put(List<Header> headers, String name, String value) {
        if (!value.isEmpty()) {
            headers.add(new Header(name, value));
        }
    }
}
