package io.github.gatelodge.error;

/** The tenant has as many API keys that were made at run time as it may have. */
public final class CallerKeyLimitException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "CALLER_KEY_LIMIT";

    public CallerKeyLimitException(Failure failure) {
        super(failure);
    }
}
