package io.github.gatelodge.error;

/** The session's identity provider offers no user info that could be asked again. */
public final class UserInfoUnsupportedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "USER_INFO_UNSUPPORTED";

    public UserInfoUnsupportedException(Failure failure) {
        super(failure);
    }
}
