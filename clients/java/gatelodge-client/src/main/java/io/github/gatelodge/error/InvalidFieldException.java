package io.github.gatelodge.error;

/** A field of the caller's own is missing, malformed or too large: see {@link #fieldViolations()}. */
public final class InvalidFieldException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "INVALID_FIELD";

    public InvalidFieldException(Failure failure) {
        super(failure);
    }
}
