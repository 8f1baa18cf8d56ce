package io.github.gatelodge;

import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.Context.CancellableContext;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.function.Function;

/** What happens to sessions, as WatchSessions tells it. When it breaks off, call again with the last position. */
public final class SessionWatch extends Watch<WatchSessionsResponse> {
    SessionWatch(
            CancellableContext context,
            Iterator<WatchSessionsResponse> messages,
            Function<StatusRuntimeException, GatelodgeException> reader) {
        super(context, messages, reader);
    }
}
