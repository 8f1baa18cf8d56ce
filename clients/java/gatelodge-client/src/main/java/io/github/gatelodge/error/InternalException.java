package io.github.gatelodge.error;

/** A fault of the authority itself; its log holds the cause under the request id. */
public final class InternalException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "INTERNAL";

    public InternalException(Failure failure) {
        super(failure);
    }
}
