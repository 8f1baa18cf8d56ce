package io.github.gatelodge.error;

/** A requirement (such as CSRF) can't be judged without the request context, which the call left out. */
public final class ContextRequiredException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "CONTEXT_REQUIRED";

    public ContextRequiredException(Failure failure) {
        super(failure);
    }
}
