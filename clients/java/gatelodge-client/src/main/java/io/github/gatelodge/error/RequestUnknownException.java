package io.github.gatelodge.error;

/** No audit entry is kept of this request id. */
public final class RequestUnknownException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "REQUEST_UNKNOWN";

    public RequestUnknownException(Failure failure) {
        super(failure);
    }
}
