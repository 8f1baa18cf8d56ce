package io.github.gatelodge.error;

/** The session holds no refresh token: none was given, or none is kept by configuration. */
public final class NoRefreshTokenException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "NO_REFRESH_TOKEN";

    public NoRefreshTokenException(Failure failure) {
        super(failure);
    }
}
