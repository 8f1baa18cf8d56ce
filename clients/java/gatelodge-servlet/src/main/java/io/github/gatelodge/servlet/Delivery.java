package io.github.gatelodge.servlet;

import io.github.gatelodge.edge.Admission;
import io.github.gatelodge.edge.Answer;
import io.github.gatelodge.edge.Answer.Header;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Adds the authority's cookies and CSRF token to a response when the application begins it, and keeps caches from
 * handing them to others (security.md 66), whatever headers the application sets. Without any it changes nothing.
 */
final class Delivery extends HttpServletResponseWrapper {
    private static final String NAME = Delivery.class.getName();
    private List<Header> headers = List.of();
    private boolean isBegun;
    private boolean isHandedOn;

    private Delivery(HttpServletResponse response) {
        super(response);
    }

    /** That of a request, if there is one. */
    static @Nullable Delivery of(ServletRequest request) {
        return request.getAttribute(NAME) instanceof Delivery delivery ? delivery : null;
    }

    /** That of a request, made if there is none. */
    static Delivery ensure(ServletRequest request, HttpServletResponse response) {
        Delivery there = of(request);
        if (there != null) {
            return there;
        }
        Delivery made = new Delivery(response);
        request.setAttribute(NAME, made);
        return made;
    }

    /** Takes what an admission delivers. Of two guards the inner one's is the newer. */
    void take(Admission admission) {
        List<Header> newer = admission.deliveries();
        if (!newer.isEmpty()) {
            headers = newer;
        }
    }

    /** Answers in place of the application. What is "could not say" leaves the browser's cookies alone. */
    static void answer(Answer instead, HttpServletRequest request, HttpServletResponse response) throws IOException {
        Delivery delivery = of(request);
        if (delivery != null && instead.status() == SC_SERVICE_UNAVAILABLE) {
            delivery.headers = List.of();
        }
        Sent.write(instead, request, response);
    }

    /**
     * The request, for what comes after the guards. What it starts to answer on another thread is delivered before that
     * thread has the response: two threads must not change one.
     */
    HttpServletRequest before(HttpServletRequest request) {
        return new HttpServletRequestWrapper(request) {
            @Override
            public AsyncContext startAsync() {
                handOn();
                return super.startAsync();
            }

            @Override
            public AsyncContext startAsync(ServletRequest given, ServletResponse to) {
                handOn();
                return super.startAsync(given, to);
            }
        };
    }

    private void handOn() {
        begin();
        isHandedOn = true;
    }

    /** Puts it on a response that nothing was written to. */
    void end() {
        if (!isHandedOn) {
            begin();
        }
    }

    /** Puts it on the response, now at the latest. */
    void begin() {
        if (isBegun || headers.isEmpty() || isCommitted()) {
            return;
        }
        isBegun = true;
        super.setHeader("Cache-Control", "no-store");
        for (Header header : headers) {
            if (header.isAdded()) {
                super.addHeader(header.name(), header.value());
            } else {
                super.setHeader(header.name(), header.value());
            }
        }
    }

    private boolean isOurs(String name) {
        return isBegun
                && (name.equalsIgnoreCase("Cache-Control")
                        || headers.stream()
                                .anyMatch(header ->
                                        !header.isAdded() && header.name().equalsIgnoreCase(name)));
    }

    @Override
    public void setHeader(String name, String value) {
        if (isBegun && name.equalsIgnoreCase("Set-Cookie")) {
            super.addHeader(name, value);
        } else if (!isOurs(name)) {
            super.setHeader(name, value);
        }
    }

    @Override
    public void addHeader(String name, String value) {
        if (!isOurs(name)) {
            super.addHeader(name, value);
        }
    }

    @Override
    public void reset() {
        super.reset();
        isBegun = false;
    }

    @Override
    public ServletOutputStream getOutputStream() throws IOException {
        begin();
        return super.getOutputStream();
    }

    @Override
    public PrintWriter getWriter() throws IOException {
        begin();
        return super.getWriter();
    }

    @Override
    public void flushBuffer() throws IOException {
        begin();
        super.flushBuffer();
    }

    @Override
    public void sendError(int status) throws IOException {
        begin();
        super.sendError(status);
    }

    @Override
    public void sendError(int status, String message) throws IOException {
        begin();
        super.sendError(status, message);
    }

    @Override
    public void sendRedirect(String location) throws IOException {
        begin();
        super.sendRedirect(location);
    }
}
