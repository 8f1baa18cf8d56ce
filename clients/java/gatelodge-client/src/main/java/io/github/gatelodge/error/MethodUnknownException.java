package io.github.gatelodge.error;

/** The authority has no such method: it may be older than this client. */
public final class MethodUnknownException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "METHOD_UNKNOWN";

    public MethodUnknownException(Failure failure) {
        super(failure);
    }
}
