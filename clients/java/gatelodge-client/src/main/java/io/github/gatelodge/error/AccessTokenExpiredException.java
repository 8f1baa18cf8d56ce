package io.github.gatelodge.error;

/** The session's access token lives shorter than asked for, and can't be refreshed. */
public final class AccessTokenExpiredException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "ACCESS_TOKEN_EXPIRED";

    public AccessTokenExpiredException(Failure failure) {
        super(failure);
    }
}
