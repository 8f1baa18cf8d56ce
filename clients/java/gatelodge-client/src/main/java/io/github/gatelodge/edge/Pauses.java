package io.github.gatelodge.edge;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * How long to wait after one failure after another: half a second, then twice as long each time, up to 5 s; each
 * shortened at random by up to a half, so that not all edges come back at once.
 */
final class Pauses {
    private static final long FIRST = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long LONGEST = TimeUnit.SECONDS.toNanos(5);

    private long longest = FIRST;

    /** The next one, in nanoseconds. */
    long next() {
        long pause = longest / 2 + ThreadLocalRandom.current().nextLong(longest / 2);
        longest = Math.min(LONGEST, longest * 2);
        return pause;
    }

    /** Begins anew: something has succeeded. */
    void restart() {
        longest = FIRST;
    }
}
