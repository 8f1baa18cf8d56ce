package io.github.gatelodge;

import com.google.protobuf.Duration;

/** How long durations of the contract are. */
final class Durations {
    private Durations() {}

    static boolean isAtMost(Duration one, Duration other) {
        return of(one).compareTo(of(other)) <= 0;
    }

    private static java.time.Duration of(Duration duration) {
        return java.time.Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
    }
}
