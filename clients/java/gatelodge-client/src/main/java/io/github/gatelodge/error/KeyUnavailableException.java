package io.github.gatelodge.error;

/** The record is sealed with a key that this authority has not loaded. An operator has to restore it. */
public final class KeyUnavailableException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "KEY_UNAVAILABLE";

    public KeyUnavailableException(Failure failure) {
        super(failure);
    }
}
