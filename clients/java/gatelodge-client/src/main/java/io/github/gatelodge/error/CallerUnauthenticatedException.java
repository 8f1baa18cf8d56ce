package io.github.gatelodge.error;

/** The call came without a valid API key. */
public final class CallerUnauthenticatedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "CALLER_UNAUTHENTICATED";

    public CallerUnauthenticatedException(Failure failure) {
        super(failure);
    }
}
