package io.github.gatelodge;

import io.github.gatelodge.v1.CsrfRequirement;
import io.github.gatelodge.v1.Requirements;
import java.time.Duration;
import java.util.List;

/** What a route needs beyond a living session. */
@FunctionalInterface
public interface Requirement {
    /** Adds it to what is asked for. */
    void addTo(Requirements.Builder all);

    /** Lets only sessions through that were granted all of these. */
    static Requirement scopes(String... scopes) {
        List<String> needed = List.of(scopes);
        return all -> all.addAllScopes(needed);
    }

    /**
     * Lets only sessions through whose user authenticated at most this long ago, in whole seconds and one at least;
     * others are sent to log in again.
     */
    static Requirement maxLoginAge(Duration age) {
        long seconds = Math.max(1, age.toSeconds());
        return all ->
                all.setMaxLoginAge(com.google.protobuf.Duration.newBuilder().setSeconds(seconds));
    }

    /** Asks for a CSRF token whatever the method. The default is to ask for all but GET, HEAD, OPTIONS and TRACE. */
    static Requirement csrfRequired() {
        return all -> all.setCsrf(CsrfRequirement.CSRF_REQUIREMENT_REQUIRED);
    }

    /** Asks for no CSRF token and has no origin judged, for routes that are guarded in another way. */
    static Requirement csrfNotRequired() {
        return all -> all.setCsrf(CsrfRequirement.CSRF_REQUIREMENT_NOT_REQUIRED);
    }

    /** All of them as the contract says it. */
    static Requirements all(Requirement... needs) {
        Requirements.Builder all = Requirements.newBuilder();
        for (Requirement need : needs) {
            need.addTo(all);
        }
        return all.build();
    }
}
