package io.github.gatelodge.error;

/** No token is given for the audience that was named. */
public final class AudienceRefusedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "AUDIENCE_REFUSED";

    public AudienceRefusedException(Failure failure) {
        super(failure);
    }
}
