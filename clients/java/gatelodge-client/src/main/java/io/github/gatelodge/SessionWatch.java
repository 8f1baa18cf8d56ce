package io.github.gatelodge;

import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.Context.CancellableContext;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.function.Function;

/**
 * What happens to sessions, message by message, as WatchSessions tells it. Reading blocks until the next message;
 * closing, from any thread, ends the stream and the reading.
 */
public final class SessionWatch implements AutoCloseable, Iterator<WatchSessionsResponse> {
    private final CancellableContext context;
    private final Iterator<WatchSessionsResponse> messages;
    private final Function<StatusRuntimeException, GatelodgeException> reader;

    SessionWatch(
            CancellableContext context,
            Iterator<WatchSessionsResponse> messages,
            Function<StatusRuntimeException, GatelodgeException> reader) {
        this.context = context;
        this.messages = messages;
        this.reader = reader;
    }

    /**
     * Waits for the next message; false when the stream has ended.
     *
     * @throws GatelodgeException the stream broke off: call again with the last position
     */
    @Override
    public boolean hasNext() {
        try {
            return messages.hasNext();
        } catch (StatusRuntimeException failed) {
            if (context.isCancelled()) {
                return false;
            }
            throw reader.apply(failed);
        }
    }

    @Override
    public WatchSessionsResponse next() {
        return messages.next();
    }

    /** Ends the stream. */
    @Override
    public void close() {
        context.cancel(null);
    }
}
