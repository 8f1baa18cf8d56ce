package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.Verdict;
import io.github.gatelodge.edge.Answer.Header;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.v1.DeniedSession;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.HttpHeader;
import io.github.gatelodge.v1.InactiveSession;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How an answer of the authority becomes an HTTP answer to one request: copied, or one of the edge's few own. No status
 * is decided here and no cookie written.
 *
 * @param requestId that of the request which is being answered
 */
record Answers(String requestId) {
    static final Logger LOG = System.getLogger("io.github.gatelodge");

    private static final Set<String> OF_THE_CONNECTION = Set.of(
            "connection",
            "content-length",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");
    private static final List<Header> ON_EVERY_ANSWER = List.of(
            new Header("Cache-Control", "no-store"),
            new Header("X-Content-Type-Options", "nosniff"),
            new Header("Referrer-Policy", "no-referrer"),
            new Header("Content-Security-Policy", "frame-ancestors 'none'"));

    /** Copies a finished answer, or none of it. */
    Answer copy(HttpAnswer answer) {
        String problem = problemOf(answer);
        if (problem != null) {
            LOG.log(Level.ERROR, "the authority''s answer can''t be passed on: {0} (request {1})", problem, requestId);
            return unavailable(null);
        }
        List<Header> headers = new ArrayList<>();
        for (HttpHeader header : answer.getHeadersList()) {
            headers.add(new Header(header.getName(), header.getValue()));
        }
        for (String cookie : answer.getSetCookiesList()) {
            headers.add(new Header("Set-Cookie", cookie));
        }
        if (!answer.getLocation().isEmpty()) {
            headers.add(new Header("Location", answer.getLocation()));
        }
        if (!answer.getContentType().isEmpty()) {
            headers.add(new Header("Content-Type", answer.getContentType()));
        }
        return finish(answer.getStatus(), headers, answer.getBody());
    }

    private static @Nullable String problemOf(HttpAnswer answer) {
        if (answer.getStatus() < 200 || answer.getStatus() > 599) {
            return "its status is none of HTTP";
        }
        for (HttpHeader header : answer.getHeadersList()) {
            String name = header.getName();
            if (!Text.isHeaderName(name) || OF_THE_CONNECTION.contains(name.toLowerCase(Locale.ROOT))) {
                return "a header's name is none, or one that belongs to the connection";
            }
            if (!Text.isHeaderValue(header.getValue())) {
                return "a value is none of the header " + name;
            }
        }
        boolean isClean = answer.getSetCookiesList().stream().allMatch(Text::isHeaderValue)
                && Text.isHeaderValue(answer.getLocation())
                && Text.isHeaderValue(answer.getContentType());
        return isClean ? null : "a cookie, its location or its content type is no header value";
    }

    /** Adds what belongs on every answer. */
    static Answer finish(int status, List<Header> given, ByteString body) {
        List<Header> headers = new ArrayList<>(given);
        for (Header usual : ON_EVERY_ANSWER) {
            if (given.stream().noneMatch(header -> header.name().equalsIgnoreCase(usual.name()))) {
                headers.add(usual);
            }
        }
        headers.add(new Header("Vary", "Cookie"));
        return new Answer(status, headers, body);
    }

    Answer json(int status, List<Header> headers, Json body) {
        List<Header> all = new ArrayList<>(headers);
        all.add(new Header("Content-Type", "application/json"));
        return finish(status, all, body.bytes());
    }

    /** One of the edge's own error answers. */
    Answer problem(int status, String reason, String detail, Header... headers) {
        Json body = new Json().member("detail", detail).member("reason", reason).member("request_id", requestId);
        return json(status, List.of(headers), body);
    }

    /** "Could not say": 503, with the browser's cookies left alone. */
    Answer unavailable(@Nullable GatelodgeException cause) {
        Duration wait = cause == null ? Duration.ZERO : cause.retryAfter().orElse(Duration.ZERO);
        long seconds = Math.max(1, wait.plusNanos(999_999_999).toSeconds());
        return problem(
                503,
                "AUTHORITY_UNAVAILABLE",
                "The service can't check your session right now. Try again in a moment.",
                new Header("Retry-After", Long.toString(seconds)));
    }

    /** Says in the log why there was no answer, and answers as the authority wishes, or "could not say". */
    Answer failed(RuntimeException failed) {
        if (!(failed instanceof GatelodgeException cause)) {
            // A fault of a library, which says nothing about a session: all that is known of it is in the log.
            LOG.log(Level.ERROR, "the authority could not be asked (request " + requestId + ")", failed);
            return unavailable(null);
        }
        HttpAnswer answer = cause.failure().answer();
        if (answer != null) {
            LOG.log(Level.DEBUG, "the authority answers for its provider''s trouble: {0}", cause.getMessage());
            return copy(answer);
        }
        logFailure(cause, "request " + requestId);
        return unavailable(cause);
    }

    /** Writes what an operator has to know of a failed call. */
    static void logFailure(GatelodgeException cause, String asked) {
        if (cause.isAboutKey()) {
            LOG.log(
                    Level.ERROR,
                    "the authority refused this application''s API key: check GATELODGE_API_KEY ({0}): {1}",
                    asked,
                    cause.getMessage());
        } else if (cause.isAboutTenant()) {
            LOG.log(
                    Level.ERROR,
                    "the authority refused this application''s tenant: check GATELODGE_TENANT ({0}): {1}",
                    asked,
                    cause.getMessage());
        } else if (cause.code() == Status.Code.CANCELLED) {
            LOG.log(Level.DEBUG, "given up ({0}): {1}", asked, cause.getMessage());
        } else {
            LOG.log(Level.WARNING, "the authority could not say ({0}): {1}", asked, cause.getMessage());
        }
    }

    /** Answers for a route that needs a session which is not there. */
    Answer notSignedIn(InactiveSession why) {
        return why.hasAnswer() ? copy(why.getAnswer()) : problem(401, "NOT_SIGNED_IN", "You are not signed in.");
    }

    /** Answers for a session that may not make this request. */
    Answer forbidden(DeniedSession why) {
        return why.hasAnswer()
                ? copy(why.getAnswer())
                : problem(403, "FORBIDDEN", "This session may not make this request.");
    }

    /** Minds that the authority's cookies and token can be headers at all. */
    static Verdict.Active deliverable(Verdict.Active active) {
        if (!active.setCookies().stream().allMatch(Text::isHeaderValue)) {
            throw new InconclusiveException("the authority's cookie is no header value");
        }
        if (!Text.isHeaderValue(active.csrfToken())) {
            throw new InconclusiveException("the authority's CSRF token is no header value");
        }
        return active;
    }
}
