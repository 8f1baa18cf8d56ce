package io.github.gatelodge;

import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.grpc.Channel;
import io.grpc.Deadline;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * When checks ride one stream ({@code CheckSessions}) instead of a call each. Does not know how a stream carries a
 * question.
 *
 * <p>As soon as so many are under way at the same moment that a stream pays, one is opened beside them; nobody waits
 * for it. While it is open every check takes it; one that finds it full is a call. A stream that ends leaves its
 * questions to calls of their own, within their deadlines, so nothing is lost by it.
 */
final class Checks implements AutoCloseable {
    /** From so many checks at the same moment on a stream pays. */
    static final int ENOUGH = 8;

    private static final Logger LOG = System.getLogger("io.github.gatelodge");

    private final Channel channel;
    private final AtomicInteger underWay = new AtomicInteger();
    private volatile @Nullable CheckStream open;
    private @Nullable CheckStream latest;
    private @Nullable Long restUntil;
    private boolean isClosed;

    Checks(Channel channel) {
        this.channel = channel;
    }

    /** Counts a check as under way, until {@link #end}. */
    void begin() {
        underWay.incrementAndGet();
    }

    void end() {
        underWay.decrementAndGet();
    }

    /**
     * The answer by the stream; null when it has to be a call: there is no stream, or it is full, or it ended before
     * the answer.
     *
     * @throws io.github.gatelodge.error.GatelodgeException the authority says that there is no answer, or does not say
     *     anything in time
     */
    @Nullable
    ValidateSessionResponse ask(ValidateSessionRequest question, @Nullable String requestId, Deadline deadline) {
        CheckStream stream = open;
        if (stream != null) {
            return stream.ask(question, requestId, deadline);
        }
        if (underWay.get() >= ENOUGH) {
            open();
        }
        return null;
    }

    private void open() {
        CheckStream stream;
        synchronized (this) {
            boolean isResting = restUntil != null && restUntil - System.nanoTime() > 0;
            if (latest != null || isResting || isClosed) {
                return;
            }
            stream = new CheckStream(this, channel);
            latest = stream;
        }
        stream.start();
    }

    synchronized void opened(CheckStream stream) {
        if (stream == latest) {
            open = stream;
        }
    }

    /** A stream has ended: for so long none is opened. Those who wait learn of it afterwards. */
    synchronized void ended(CheckStream stream, String why, Duration rest) {
        LOG.log(Level.DEBUG, "the stream of checks has ended ({0}); checks are calls again", why);
        if (stream == latest) {
            open = null;
            latest = null;
            restUntil = System.nanoTime() + rest.toNanos();
        }
    }

    @Override
    public void close() {
        CheckStream stream;
        synchronized (this) {
            isClosed = true;
            stream = latest;
        }
        if (stream != null) {
            stream.giveUp(CheckStream.End.QUIET);
        }
    }
}
