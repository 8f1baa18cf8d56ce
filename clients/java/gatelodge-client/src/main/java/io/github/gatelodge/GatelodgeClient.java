package io.github.gatelodge;

import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.time.Duration;

/**
 * Asks an authority. It holds one connection, made at the first call and again whenever it is lost, and is safe for use
 * by many threads.
 *
 * <p>An authority that is away when a program starts is no error, but one of the first call. Every call has a deadline,
 * which the authority is told. Calls that are safe to repeat are repeated within it while the authority is unavailable.
 * A call that brings no answer throws a {@link io.github.gatelodge.error.GatelodgeException}.
 */
public final class GatelodgeClient implements AutoCloseable {
    /** The version of this library, as the authority sees it in the user agent. */
    public static final String VERSION = "0.1.0";

    private final Link link;
    private final Caller caller;

    private GatelodgeClient(Link link, Caller caller) {
        this.link = link;
        this.caller = caller;
    }

    /**
     * A client of the authority that {@code GATELODGE_ADDRESS} and its fellows name.
     *
     * @throws OptionsException a setting is missing or can't be used
     */
    public static GatelodgeClient fromEnv() {
        return create(ClientOptions.fromEnv());
    }

    /**
     * A client of the authority that the options name. It does not connect yet.
     *
     * @throws OptionsException a setting is missing or can't be used
     */
    public static GatelodgeClient create(ClientOptions options) {
        Link link = new Link(options);
        return new GatelodgeClient(link, new Caller(link, options.timeout().orElse(null), null));
    }

    /** The calls of an edge: logins and logouts. */
    public LoginCalls login() {
        return new LoginCalls(caller);
    }

    /** The calls about a presented session. */
    public SessionCalls sessions() {
        return new SessionCalls(caller);
    }

    /** The calls about bearer tokens. */
    public TokenCalls tokens() {
        return new TokenCalls(caller);
    }

    /** The calls of an admin. */
    public AdminCalls admin() {
        return new AdminCalls(caller);
    }

    /** Whether a service (empty for the authority as a whole) is serving now, as {@code grpc.health.v1} says. */
    public boolean isServing(String service) {
        HealthCheckRequest question =
                HealthCheckRequest.newBuilder().setService(service).build();
        return caller.call(HealthGrpc.getCheckMethod(), Manner.PROBE, question).getStatus() == ServingStatus.SERVING;
    }

    /** The same client, whose calls carry this request id into the authority's log. */
    public GatelodgeClient forRequest(String requestId) {
        return new GatelodgeClient(link, caller.forRequest(requestId));
    }

    /** The same client, whose calls may take this long. */
    public GatelodgeClient withTimeout(Duration timeout) {
        return new GatelodgeClient(link, caller.withTimeout(timeout));
    }

    /** Whether it was closed: from then on every call fails. */
    public boolean isClosed() {
        return link.isClosed();
    }

    /**
     * Closes the connection, for {@link #forRequest} and {@link #withTimeout} too. Calls under way end with an error.
     */
    @Override
    public void close() {
        link.close();
    }
}
