package io.github.gatelodge.error;

/** What was to be changed has another version by now: read it again, and decide again. */
public final class VersionConflictException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "VERSION_CONFLICT";

    public VersionConflictException(Failure failure) {
        super(failure);
    }
}
