package io.github.gatelodge.error;

/** The identity provider can't be reached, or answered with trouble. */
public final class ProviderUnavailableException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "PROVIDER_UNAVAILABLE";

    public ProviderUnavailableException(Failure failure) {
        super(failure);
    }
}
