package io.github.gatelodge.error;

/** Another call is refreshing this session's tokens and has not finished. */
public final class RefreshInProgressException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "REFRESH_IN_PROGRESS";

    public RefreshInProgressException(Failure failure) {
        super(failure);
    }
}
