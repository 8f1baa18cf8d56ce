package io.github.gatelodge.error;

/**
 * A client, or all clients of the tenant together, did too often what anybody can: log in, or come with something
 * forged.
 */
public final class RateLimitedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "RATE_LIMITED";

    public RateLimitedException(Failure failure) {
        super(failure);
    }
}
