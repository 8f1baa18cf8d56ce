package io.github.gatelodge.servlet;

import io.github.gatelodge.edge.Answer;
import io.github.gatelodge.edge.Answer.Header;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/** Writes an answer as a servlet's response. */
final class Sent {
    private Sent() {}

    static void write(Answer answer, HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setStatus(answer.status());
        Set<String> set = new HashSet<>();
        for (Header header : answer.headers()) {
            if (header.isAdded() || !set.add(header.name().toLowerCase(Locale.ROOT))) {
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
