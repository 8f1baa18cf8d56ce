package io.github.gatelodge.error;

/** The authority checks no access tokens. */
public final class TokenCheckOffException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "TOKEN_CHECK_OFF";

    public TokenCheckOffException(Failure failure) {
        super(failure);
    }
}
