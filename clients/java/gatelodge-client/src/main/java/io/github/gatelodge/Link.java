package io.github.gatelodge;

import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The one connection that all calls of a client share. Does not know what is sent. */
final class Link {
    private static final long RECONNECT_PAUSE = TimeUnit.MILLISECONDS.toNanos(100);

    private final Channel base;
    private final boolean isOurs;
    private final Channel channel;
    private final String address;
    private final @Nullable Keeping keeping;
    private final @Nullable Checks checks;
    private final AtomicBoolean isClosed = new AtomicBoolean();
    private final AtomicLong reconnectedAt = new AtomicLong(System.nanoTime() - RECONNECT_PAUSE);

    Link(ClientOptions options) {
        this.isOurs = options.channel().isEmpty();
        // Before the key: where both are missing the address is named, as in every language.
        this.address = isOurs ? Connection.address(options) + " (" + ClientOptions.ADDRESS + ")" : "the given channel";
        Credentials credentials = new Credentials(Connection.apiKey(options), Connection.tenant(options));
        int most = options.keepAnswers();
        this.base = isOurs ? Connection.open(options) : options.channel().orElseThrow();
        this.channel = ClientInterceptors.intercept(base, credentials);
        this.keeping = most > 0 ? new Keeping(most, new Caller(this, null, null)) : null;
        this.checks = options.mayShareStream() ? new Checks(channel) : null;
    }

    /** What carries a call, with the key on it. */
    Channel channel() {
        return channel;
    }

    /** Where the authority is, for messages. */
    String address() {
        return address;
    }

    /** A connection that was lost is made anew soon: gRPC by itself would wait for up to two minutes. */
    void reconnect() {
        long last = reconnectedAt.get();
        long now = System.nanoTime();
        if (base instanceof ManagedChannel managed
                && managed.getState(false) == ConnectivityState.TRANSIENT_FAILURE
                && now - last >= RECONNECT_PAUSE
                && reconnectedAt.compareAndSet(last, now)) {
            managed.resetConnectBackoff();
        }
    }

    /** What is kept of answers; null where none is. */
    @Nullable
    Keeping keeping() {
        return keeping;
    }

    /** The checks that may share a stream; null where each is to be a call. */
    @Nullable
    Checks checks() {
        return checks;
    }

    boolean isClosed() {
        return isClosed.get();
    }

    /** Ends calls under way. A channel that was given stays open. */
    void close() {
        isClosed.set(true);
        if (keeping != null) {
            keeping.close();
        }
        if (checks != null) {
            checks.close();
        }
        if (isOurs && base instanceof ManagedChannel managed) {
            managed.shutdownNow();
        }
    }
}
