package io.github.gatelodge;

import io.github.gatelodge.v1.CsrfRequirement;
import io.github.gatelodge.v1.Requirements;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;

/** What a route needs beyond a living session. */
@FunctionalInterface
public interface Requirement {
    /** Adds it to what is asked for. */
    void addTo(Requirements.Builder all);

    /** Lets only sessions through that were granted all of these. */
    static Requirement scopes(String... scopes) {
        return names(Requirements.Builder::addAllScopes, scopes);
    }

    /** Lets only sessions through that were granted at least one of these. */
    static Requirement anyScopes(String... scopes) {
        return names(Requirements.Builder::addAllAnyScopes, scopes);
    }

    /** Lets only users through who have all of these. */
    static Requirement permissions(String... permissions) {
        return names(Requirements.Builder::addAllPermissions, permissions);
    }

    /** Lets only users through who have at least one of these. */
    static Requirement anyPermissions(String... permissions) {
        return names(Requirements.Builder::addAllAnyPermissions, permissions);
    }

    /** Lets only users through who have all of these. */
    static Requirement roles(String... roles) {
        return names(Requirements.Builder::addAllRoles, roles);
    }

    /** Lets only users through whose provider has verified their email address. */
    static Requirement emailVerified() {
        return all -> all.setEmailVerified(true);
    }

    /**
     * Lets only sessions through whose login had one of these authentication context classes, the preferred one first;
     * others are sent to log in in that way, and come back with the same session.
     */
    static Requirement acrValues(String... classes) {
        return names(Requirements.Builder::addAllAcrValues, classes);
    }

    /**
     * Lets only sessions through whose login used all of these authentication methods (RFC 8176), such as {@code otp};
     * others are sent to log in again.
     */
    static Requirement amrValues(String... methods) {
        return names(Requirements.Builder::addAllAmrValues, methods);
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

    private static Requirement names(BiConsumer<Requirements.Builder, List<String>> add, String... names) {
        List<String> needed = List.of(names);
        return all -> add.accept(all, needed);
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
