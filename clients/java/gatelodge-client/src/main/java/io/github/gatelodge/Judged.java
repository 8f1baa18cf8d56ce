package io.github.gatelodge;

import com.google.protobuf.Duration;
import io.github.gatelodge.v1.JudgedRequirements;
import io.github.gatelodge.v1.Requirements;
import io.github.gatelodge.v1.TokenRequirements;
import java.util.List;
import java.util.Set;

/** Whether an answer has judged all that was asked for: an older authority passes over what it does not know. */
final class Judged {
    /** Those that change nothing, and so need no CSRF token. */
    static final Set<String> SAFE_METHODS = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

    private Judged() {}

    /** Of a session, CSRF aside. */
    static boolean all(Requirements asked, JudgedRequirements judged) {
        return allOf(asked.getScopesList(), judged.getScopesList())
                && oneOf(asked.getAnyScopesList(), judged.getAnyScopesList())
                && allOf(asked.getPermissionsList(), judged.getPermissionsList())
                && oneOf(asked.getAnyPermissionsList(), judged.getAnyPermissionsList())
                && allOf(asked.getRolesList(), judged.getRolesList())
                && oneOf(asked.getAcrValuesList(), judged.getAcrValuesList())
                && allOf(asked.getAmrValuesList(), judged.getAmrValuesList())
                && (judged.getEmailVerified() || !asked.getEmailVerified())
                && (!asked.hasMaxLoginAge()
                        || (judged.hasMaxLoginAge() && isAtMost(judged.getMaxLoginAge(), asked.getMaxLoginAge())));
    }

    /** Of a token. */
    static boolean all(TokenRequirements asked, TokenRequirements judged) {
        return allOf(asked.getScopesList(), judged.getScopesList())
                && oneOf(asked.getAnyScopesList(), judged.getAnyScopesList())
                && allOf(asked.getPermissionsList(), judged.getPermissionsList())
                && oneOf(asked.getAnyPermissionsList(), judged.getAnyPermissionsList())
                && allOf(asked.getRolesList(), judged.getRolesList())
                && oneOf(asked.getAcrValuesList(), judged.getAcrValuesList())
                && allOf(asked.getAmrValuesList(), judged.getAmrValuesList())
                && (judged.getEmailVerified() || !asked.getEmailVerified())
                && (!asked.hasMaxLoginAge()
                        || (judged.hasMaxLoginAge() && isAtMost(judged.getMaxLoginAge(), asked.getMaxLoginAge())))
                && (asked.getAudience().isEmpty() || asked.getAudience().equals(judged.getAudience()));
    }

    private static boolean allOf(List<String> asked, List<String> judged) {
        return judged.containsAll(asked);
    }

    /** Nothing may have been judged that was not asked for: it may be what let somebody in. */
    private static boolean oneOf(List<String> asked, List<String> judged) {
        return asked.isEmpty() || (!judged.isEmpty() && asked.containsAll(judged));
    }

    private static boolean isAtMost(Duration one, Duration other) {
        return length(one).compareTo(length(other)) <= 0;
    }

    private static java.time.Duration length(Duration duration) {
        return java.time.Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
    }
}
