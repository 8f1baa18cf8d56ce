package io.github.gatelodge.error;

/** The idempotency key came with another request before; nothing was done. */
public final class IdempotencyKeyReusedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "IDEMPOTENCY_KEY_REUSED";

    public IdempotencyKeyReusedException(Failure failure) {
        super(failure);
    }
}
