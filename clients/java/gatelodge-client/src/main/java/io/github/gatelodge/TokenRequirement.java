package io.github.gatelodge;

import io.github.gatelodge.v1.TokenRequirements;
import io.github.gatelodge.v1.ValidateTokenRequest;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;

/** What a route of an API needs beyond a good bearer token. */
@FunctionalInterface
public interface TokenRequirement {
    /** Adds it to what is asked. */
    void addTo(ValidateTokenRequest.Builder question);

    /** Lets only tokens through that were granted all of these. */
    static TokenRequirement scopes(String... scopes) {
        return names(TokenRequirements.Builder::addAllScopes, scopes);
    }

    /** Lets only tokens through that were granted at least one of these. */
    static TokenRequirement anyScopes(String... scopes) {
        return names(TokenRequirements.Builder::addAllAnyScopes, scopes);
    }

    /** Lets only tokens through that have all of these. */
    static TokenRequirement permissions(String... permissions) {
        return names(TokenRequirements.Builder::addAllPermissions, permissions);
    }

    /** Lets only tokens through that have at least one of these. */
    static TokenRequirement anyPermissions(String... permissions) {
        return names(TokenRequirements.Builder::addAllAnyPermissions, permissions);
    }

    /** Lets only tokens through that name all of these. */
    static TokenRequirement roles(String... roles) {
        return names(TokenRequirements.Builder::addAllRoles, roles);
    }

    /** Lets only tokens through that say that the email address is verified. */
    static TokenRequirement emailVerified() {
        return question -> question.getRequirementsBuilder().setEmailVerified(true);
    }

    /** Lets only tokens through that name one of these authentication context classes, the preferred one first. */
    static TokenRequirement acrValues(String... classes) {
        return names(TokenRequirements.Builder::addAllAcrValues, classes);
    }

    /** Lets only tokens through that name all of these authentication methods (RFC 8176). */
    static TokenRequirement amrValues(String... methods) {
        return names(TokenRequirements.Builder::addAllAmrValues, methods);
    }

    /** Lets only tokens through whose user authenticated at most this long ago, in whole seconds and one at least. */
    static TokenRequirement maxLoginAge(Duration age) {
        long seconds = Math.max(1, age.toSeconds());
        return question -> question.getRequirementsBuilder()
                .getMaxLoginAgeBuilder()
                .setSeconds(seconds)
                .setNanos(0);
    }

    /** Lets only tokens through that are for this audience. The default is any of the authority's configuration. */
    static TokenRequirement audience(String audience) {
        return question -> question.getRequirementsBuilder().setAudience(audience);
    }

    /**
     * Names the provider that issued the token, for opaque tokens where several are asked about theirs. The default is
     * the one that the token names.
     */
    static TokenRequirement provider(String name) {
        return question -> question.setProvider(name);
    }

    private static TokenRequirement names(BiConsumer<TokenRequirements.Builder, List<String>> add, String... names) {
        List<String> needed = List.of(names);
        return question -> add.accept(question.getRequirementsBuilder(), needed);
    }

    /** All of them as the contract says it. */
    static ValidateTokenRequest all(TokenRequirement... needs) {
        ValidateTokenRequest.Builder question = ValidateTokenRequest.newBuilder();
        for (TokenRequirement need : needs) {
            need.addTo(question);
        }
        return question.build();
    }
}
