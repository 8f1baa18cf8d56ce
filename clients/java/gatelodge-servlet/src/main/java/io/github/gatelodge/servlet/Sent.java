package io.github.gatelodge.servlet;

import io.github.gatelodge.edge.Answer;
import io.github.gatelodge.edge.Answer.Header;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Writes an answer as a servlet's response. */
final class Sent {
    private static final String VARY = "Vary";

    private Sent() {}

    /**
     * Says that a response depends on these headers of the request, on each once: an outer guard may have said so, or
     * the authority.
     */
    static void varyBy(HttpServletResponse response, String names) {
        Set<String> said = response.getHeaders(VARY).stream()
                .flatMap(Sent::listed)
                .map(name -> name.toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
        listed(names)
                .filter(name -> said.add(name.toLowerCase(Locale.ROOT)))
                .forEach(name -> response.addHeader(VARY, name));
    }

    private static Stream<String> listed(String names) {
        return Stream.of(names.split(",")).map(String::strip).filter(name -> !name.isEmpty());
    }

    static void write(Answer answer, HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setStatus(answer.status());
        Set<String> set = new HashSet<>();
        for (Header header : answer.headers()) {
            if (header.name().equalsIgnoreCase(VARY)) {
                varyBy(response, header.value());
            } else if (header.isAdded() || !set.add(header.name().toLowerCase(Locale.ROOT))) {
                response.addHeader(header.name(), header.value());
            } else {
                response.setHeader(header.name(), header.value());
            }
        }
        if (answer.hasBody()) {
            response.setContentLength(answer.body().size());
            if (!request.getMethod().equals("HEAD")) {
                answer.body().writeTo(response.getOutputStream());
            }
        }
        response.flushBuffer();
    }
}
