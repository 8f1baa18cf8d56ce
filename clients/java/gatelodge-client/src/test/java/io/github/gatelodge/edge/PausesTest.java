package io.github.gatelodge.edge;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PausesTest {
    /** Whether the next one is at most this long, and shortened by no more than a half. */
    private static void assertNext(Pauses pauses, long longestMs) {
        long pause = TimeUnit.NANOSECONDS.toMillis(pauses.next());
        assertTrue(longestMs / 2 <= pause && pause <= longestMs, pause + " ms of " + longestMs);
    }

    @Test
    void theyGrowToFiveSecondsAndBeginAnewAfterASuccess() {
        for (int tries = 0; tries < 100; tries++) {
            Pauses pauses = new Pauses();
            for (long longestMs : new long[] {500, 1000, 2000, 4000, 5000, 5000, 5000}) {
                assertNext(pauses, longestMs);
            }
            pauses.restart();
            assertNext(pauses, 500);
        }
    }
}
