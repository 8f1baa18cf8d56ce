package io.github.gatelodge.error;

/** No living session has this public id. */
public final class SessionNotFoundException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "SESSION_NOT_FOUND";

    public SessionNotFoundException(Failure failure) {
        super(failure);
    }
}
