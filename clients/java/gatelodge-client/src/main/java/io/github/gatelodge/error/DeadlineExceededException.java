package io.github.gatelodge.error;

/** There was no answer in time. */
public final class DeadlineExceededException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "DEADLINE_EXCEEDED";

    public DeadlineExceededException(Failure failure) {
        super(failure);
    }
}
