package io.github.gatelodge.error;

/** The API key is valid, but its role may not call this method. */
public final class CallerNotAllowedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "CALLER_NOT_ALLOWED";

    public CallerNotAllowedException(Failure failure) {
        super(failure);
    }
}
