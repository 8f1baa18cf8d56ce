package io.github.gatelodge.error;

/** No user has this id: nobody has logged in with it, or the user was deleted long ago. */
public final class UserNotFoundException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "USER_NOT_FOUND";

    public UserNotFoundException(Failure failure) {
        super(failure);
    }
}
