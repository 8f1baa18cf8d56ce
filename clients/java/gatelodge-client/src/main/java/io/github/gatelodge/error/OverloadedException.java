package io.github.gatelodge.error;

/** The authority has more calls in flight than it takes on. */
public final class OverloadedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "OVERLOADED";

    public OverloadedException(Failure failure) {
        super(failure);
    }
}
