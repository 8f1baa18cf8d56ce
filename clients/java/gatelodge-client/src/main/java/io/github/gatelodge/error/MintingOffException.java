package io.github.gatelodge.error;

/** The authority mints no tokens. */
public final class MintingOffException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "MINTING_OFF";

    public MintingOffException(Failure failure) {
        super(failure);
    }
}
