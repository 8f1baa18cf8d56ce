package io.github.gatelodge.testing;

import com.google.protobuf.ByteString;
import io.github.gatelodge.v1.CsrfRequirement;
import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.JudgedRequirements;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.Requirements;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Whether a living session may make a request. */
final class Judge {
    private Judge() {}

    /** What was judged, or what is missing. */
    record Judgement(JudgedRequirements judged, DeniedReason denied) {
        boolean isDenied() {
            return denied != DeniedReason.DENIED_REASON_UNSPECIFIED;
        }

        static Judgement denied(DeniedReason reason) {
            return new Judgement(JudgedRequirements.getDefaultInstance(), reason);
        }
    }

    /** Finds what is missing, in the order in which a person would mend it. */
    static Judgement judge(State state, Living found, Requirements needed, boolean hasContext, RequestContext context) {
        if (state.denial != DeniedReason.DENIED_REASON_UNSPECIFIED) {
            return Judgement.denied(state.denial);
        }
        JudgedRequirements.Builder judged = JudgedRequirements.newBuilder();
        boolean isRequired = needed.getCsrf() == CsrfRequirement.CSRF_REQUIREMENT_REQUIRED;
        boolean isByMethod = needed.getCsrf() == CsrfRequirement.CSRF_REQUIREMENT_UNSPECIFIED
                && hasContext
                && (isUpgrade(context)
                        || !Set.of("GET", "HEAD", "OPTIONS", "TRACE").contains(text(context.getMethod())));
        if (isRequired || isByMethod) {
            if (isForeign(state, context)) {
                return Judgement.denied(DeniedReason.DENIED_REASON_ORIGIN_REFUSED);
            }
            judged.setOrigin(context.hasOrigin() || context.hasSecFetchSite());
            if (isRequired || !isUpgrade(context)) {
                if (!context.hasCsrfToken()) {
                    return Judgement.denied(DeniedReason.DENIED_REASON_CSRF_MISSING);
                }
                if (!text(context.getCsrfToken()).equals(found.person.csrfToken())) {
                    return Judgement.denied(DeniedReason.DENIED_REASON_CSRF_INVALID);
                }
                judged.setCsrf(true);
            }
        }
        Optional<Lack> lack = Lack.of(found.person, needed);
        if (lack.isPresent()) {
            return Judgement.denied(lack.get().reason());
        }
        judged.addAllScopes(needed.getScopesList())
                .addAllAnyScopes(needed.getAnyScopesList())
                .addAllPermissions(needed.getPermissionsList())
                .addAllAnyPermissions(needed.getAnyPermissionsList())
                .addAllRoles(needed.getRolesList())
                .setEmailVerified(needed.getEmailVerified())
                .addAllAcrValues(needed.getAcrValuesList())
                .addAllAmrValues(needed.getAmrValuesList());
        if (needed.hasMaxLoginAge()) {
            judged.setMaxLoginAge(needed.getMaxLoginAge());
        }
        return new Judgement(judged.build(), DeniedReason.DENIED_REASON_UNSPECIFIED);
    }

    /** Whether a request comes from an origin that is not allowed. */
    static boolean isForeign(State state, RequestContext context) {
        if (context.hasOrigin()) {
            String origin = text(context.getOrigin());
            return !origin.equals(state.settings.getPublicBaseUrl())
                    && !state.settings.getCors().getAllowedOriginsList().contains(origin);
        }
        return isUpgrade(context) || !Set.of("", "same-origin", "none").contains(text(context.getSecFetchSite()));
    }

    static boolean isUpgrade(RequestContext context) {
        return text(context.getMethod()).equals("GET")
                && text(context.getUpgrade()).toLowerCase(Locale.ROOT).contains("websocket");
    }

    /** Whether a person's browser is on its way to a page; a script's fetch gets JSON. */
    static boolean isNavigation(RequestContext context) {
        if (context.hasXRequestedWith() || isUpgrade(context)) {
            return false;
        }
        if (context.hasSecFetchMode()) {
            return text(context.getSecFetchMode()).equals("navigate");
        }
        return text(context.getAccept()).toLowerCase(Locale.ROOT).contains("text/html");
    }

    static String text(ByteString bytes) {
        return bytes.toString(StandardCharsets.ISO_8859_1);
    }
}
