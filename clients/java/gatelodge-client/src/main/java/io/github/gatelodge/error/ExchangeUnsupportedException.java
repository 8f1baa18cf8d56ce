package io.github.gatelodge.error;

/** No token for another audience can be had of the session's identity provider. */
public final class ExchangeUnsupportedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "EXCHANGE_UNSUPPORTED";

    public ExchangeUnsupportedException(Failure failure) {
        super(failure);
    }
}
