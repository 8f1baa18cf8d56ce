package io.github.gatelodge.testing;

import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.Identity;
import io.github.gatelodge.v1.Requirements;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What somebody lacks for what is needed.
 *
 * @param reason what it is
 * @param names the names that are missing; where one of several would do, all of those
 */
record Lack(DeniedReason reason, List<String> names) {
    /** The first that is missing, in the order in which a person would mend it. */
    static Optional<Lack> of(Person found, Requirements needed) {
        Identity who = found.identity();
        return Stream.of(
                        all(DeniedReason.DENIED_REASON_SCOPE_MISSING, needed.getScopesList(), who.getScopesList()),
                        one(DeniedReason.DENIED_REASON_SCOPE_MISSING, needed.getAnyScopesList(), who.getScopesList()),
                        all(
                                DeniedReason.DENIED_REASON_PERMISSION_MISSING,
                                needed.getPermissionsList(),
                                who.getPermissionsList()),
                        one(
                                DeniedReason.DENIED_REASON_PERMISSION_MISSING,
                                needed.getAnyPermissionsList(),
                                who.getPermissionsList()),
                        all(DeniedReason.DENIED_REASON_ROLE_MISSING, needed.getRolesList(), who.getRolesList()),
                        when(
                                DeniedReason.DENIED_REASON_EMAIL_NOT_VERIFIED,
                                needed.getEmailVerified() && !who.getEmailVerified()),
                        one(DeniedReason.DENIED_REASON_ACR_MISSING, needed.getAcrValuesList(), List.of(who.getAcr())),
                        all(DeniedReason.DENIED_REASON_AMR_MISSING, needed.getAmrValuesList(), who.getAmrList()),
                        when(DeniedReason.DENIED_REASON_LOGIN_TOO_OLD, isOld(found, needed)))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<Lack> all(DeniedReason reason, List<String> needed, List<String> there) {
        List<String> missing =
                needed.stream().filter(name -> !there.contains(name)).toList();
        return missing.isEmpty() ? Optional.empty() : Optional.of(new Lack(reason, missing));
    }

    private static Optional<Lack> one(DeniedReason reason, List<String> needed, List<String> there) {
        boolean isMet = needed.isEmpty() || needed.stream().anyMatch(there::contains);
        return isMet ? Optional.empty() : Optional.of(new Lack(reason, needed));
    }

    private static Optional<Lack> when(DeniedReason reason, boolean isMissing) {
        return isMissing ? Optional.of(new Lack(reason, List.of())) : Optional.empty();
    }

    private static boolean isOld(Person found, Requirements needed) {
        Duration age = Duration.between(found.loginTime(), Instant.now());
        return needed.hasMaxLoginAge()
                && age.compareTo(Duration.ofSeconds(needed.getMaxLoginAge().getSeconds())) > 0;
    }
}
