package io.github.gatelodge.error;

/**
 * The authority has ended a stream that did nothing wrong: it stops, or the stream is as old as a connection may get.
 */
public final class StreamEndedException extends GatelodgeException {
    private static final long serialVersionUID = 1L;

    /** The contract's name of this reason. */
    public static final String REASON = "STREAM_ENDED";

    public StreamEndedException(Failure failure) {
        super(failure);
    }
}
