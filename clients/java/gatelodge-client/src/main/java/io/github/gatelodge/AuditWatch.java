package io.github.gatelodge;

import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.WatchAuditResponse;
import io.grpc.Context.CancellableContext;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.function.Function;

/** What is written down of what happens, as WatchAudit tells it. */
public final class AuditWatch extends Watch<WatchAuditResponse> {
    AuditWatch(
            CancellableContext context,
            Iterator<WatchAuditResponse> messages,
            Function<StatusRuntimeException, GatelodgeException> reader) {
        super(context, messages, reader);
    }
}
