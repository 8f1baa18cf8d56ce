package io.github.gatelodge.error;

/** The tenant keeps no audit entries. */
public final class AuditOffException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "AUDIT_OFF";

    public AuditOffException(Failure failure) {
        super(failure);
    }
}
