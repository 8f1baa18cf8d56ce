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

    /** Lets only sessions through that were granted at least one of these. */
    static Requirement anyScopes(String... scopes) {
        List<String> needed = List.of(scopes);
        return all -> all.addAllAnyScopes(needed);
    }

    /** Lets only users through who have all of these. */
    static Requirement permissions(String... permissions) {
        List<String> needed = List.of(permissions);
        return all -> all.addAllPermissions(needed);
    }

    /** Lets only users through who have at least one of these. */
    static Requirement anyPermissions(String... permissions) {
        List<String> needed = List.of(permissions);
        return all -> all.addAllAnyPermissions(needed);
    }

    /** Lets only users through who have all of these. */
    static Requirement roles(String... roles) {
        List<String> needed = List.of(roles);
        return all -> all.addAllRoles(needed);
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
        List<String> needed = List.of(classes);
        return all -> all.addAllAcrValues(needed);
    }

    /**
     * Lets only sessions through whose login used all of these authentication methods (RFC 8176), such as {@code otp};
     * others are sent to log in again.
     */
    static Requirement amrValues(String... methods) {
        List<String> needed = List.of(methods);
        return all -> all.addAllAmrValues(needed);
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
