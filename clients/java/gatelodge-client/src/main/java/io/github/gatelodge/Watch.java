package io.github.gatelodge;

import io.github.gatelodge.error.GatelodgeException;
import io.grpc.Context.CancellableContext;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.function.Function;

/**
 * A stream of the authority's, message by message. Reading blocks until the next message; closing, from any thread,
 * ends the stream and the reading.
 */
public abstract class Watch<A> implements AutoCloseable, Iterator<A> {
    private final CancellableContext context;
    private final Iterator<A> messages;
    private final Function<StatusRuntimeException, GatelodgeException> reader;

    Watch(
            CancellableContext context,
            Iterator<A> messages,
            Function<StatusRuntimeException, GatelodgeException> reader) {
        this.context = context;
        this.messages = messages;
        this.reader = reader;
    }

    /**
     * Waits for the next message; false when the stream has ended.
     *
     * @throws GatelodgeException the stream broke off: call again
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
    public A next() {
        return messages.next();
    }

    /** Ends the stream. */
    @Override
    public void close() {
        context.cancel(null);
    }
}
