package io.github.gatelodge.error;

/** The identity provider refused the refresh token: only a new login brings new tokens. */
public final class ProviderRefusedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "PROVIDER_REFUSED";

    public ProviderRefusedException(Failure failure) {
        super(failure);
    }
}
