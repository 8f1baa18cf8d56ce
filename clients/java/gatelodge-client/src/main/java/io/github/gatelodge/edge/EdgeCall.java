package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.edge.Answer.Header;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request of one of the edge's routes. Where {@link #bodyBytes} is not 0 its body is read first; then {@link #answer}
 * asks the authority, which may take as long as the call's deadline.
 */
public final class EdgeCall {
    /** However slowly a body comes, it has come after this. */
    public static final Duration BODY_WITHIN = Duration.ofSeconds(10);

    private final Route route;
    private final BrowserRequest request;
    private final Gate gate;
    private final Answers answers;
    private final @Nullable Settings settings;

    EdgeCall(Route route, BrowserRequest request, Gate gate, @Nullable Settings settings) {
        this.route = route;
        this.request = request;
        this.gate = gate;
        this.answers = new Answers(Presented.requestId(request));
        this.settings = settings;
    }

    /**
     * How much of the body is to be read, in bytes; 0 when it stays unread. The rest of a longer one stays unread too.
     */
    public int bodyBytes() {
        boolean isRead =
                settings != null && route.takes(request.method()) && route.bodyKind(request) != Body.Kind.UNREAD;
        return isRead && settings != null ? settings.maxBodyBytes() + 1 : 0;
    }

    /** The answer, once the body, of which {@code body} has the first {@link #bodyBytes}, has come. */
    public Answer answer(ByteString body) {
        Settings settings = this.settings;
        if (settings == null) {
            return answers.failed(Gate.noSettings());
        }
        if (request.method().equals("OPTIONS")) {
            List<Header> headers = new ArrayList<>(settings.cors().preflight(request));
            headers.add(new Header("Allow", route.allow));
            return settings.shared(request, Answers.finish(204, headers, ByteString.EMPTY));
        }
        if (!route.takes(request.method())) {
            String detail = "This address does not take this method.";
            Header allow = new Header("Allow", route.allow);
            return settings.shared(request, answers.problem(405, "METHOD_NOT_ALLOWED", detail, allow));
        }
        try {
            Route.Pass pass = new Route.Pass(gate, settings, request, answers);
            return settings.shared(request, route.ask(pass, new Body(route.bodyKind(request), body)));
        } catch (RuntimeException failed) {
            return settings.shared(request, answers.failed(failed));
        }
    }

    /** The answer when the body did not come within {@link #BODY_WITHIN}. Nobody is waiting for it, most likely. */
    public Answer late() {
        return withoutBody(408, "REQUEST_TIMEOUT", "The request's body did not come in time.");
    }

    /** The answer when the request broke off. */
    public Answer broken() {
        return withoutBody(400, "REQUEST_BROKEN", "The request broke off.");
    }

    private Answer withoutBody(int status, String reason, String detail) {
        Answer answer = answers.problem(status, reason, detail);
        return settings == null ? answer : settings.shared(request, answer);
    }
}
