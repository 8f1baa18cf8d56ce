package io.github.gatelodge.error;

import io.grpc.Status;

/** The authority answered something that is neither yes nor no to this client: it may be older or newer. */
public final class InconclusiveException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    public InconclusiveException(String message) {
        super(Failure.of(Status.Code.UNKNOWN, message));
    }
}
