package io.github.gatelodge.error;

/** No authority answered at the address. */
public final class UnreachableException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    public UnreachableException(Failure failure) {
        super(failure);
    }
}
