package io.github.gatelodge.error;

/** The call names no tenant, or one that this API key is not for. */
public final class TenantUnknownException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "TENANT_UNKNOWN";

    public TenantUnknownException(Failure failure) {
        super(failure);
    }
}
