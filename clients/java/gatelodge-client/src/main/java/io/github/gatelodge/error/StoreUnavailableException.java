package io.github.gatelodge.error;

/** The authority's session store can't be reached, or did not answer in time. */
public final class StoreUnavailableException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "STORE_UNAVAILABLE";

    public StoreUnavailableException(Failure failure) {
        super(failure);
    }
}
