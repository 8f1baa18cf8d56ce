package io.github.gatelodge.testing;

import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.DeniedSession;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.InactiveReason;
import io.github.gatelodge.v1.InactiveSession;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.ValidateSessionRequest;
import java.util.List;

/** What the fake says to whom it does not let through. */
final class Denials {
    private Denials() {}

    static InactiveSession inactive(InactiveReason reason, ValidateSessionRequest asked) {
        InactiveSession.Builder inactive = InactiveSession.newBuilder().setReason(reason);
        if (!asked.hasContext()) {
            return inactive.build();
        }
        return inactive.setAnswer(
                        isSentToLogin(asked)
                                ? Finished.toLogin(asked.getContext().getTarget(), "")
                                : signedOut(reason))
                .build();
    }

    private static HttpAnswer signedOut(InactiveReason reason) {
        return switch (reason) {
            case INACTIVE_REASON_NONE, INACTIVE_REASON_FORGED, INACTIVE_REASON_AMBIGUOUS ->
                Finished.problem(401, "not_signed_in", "Not signed in", "Log in first.");
            default ->
                Finished.problem(401, "session_ended", "Session expired", "The session has ended. Log in again.");
        };
    }

    static DeniedSession denied(State state, Living found, DeniedReason reason, ValidateSessionRequest asked) {
        DeniedSession.Builder denied =
                DeniedSession.newBuilder().setReason(reason).setSession(found.info);
        List<String> missing = Judge.missing(asked.getRequirements().getScopesList(), found);
        if (reason == DeniedReason.DENIED_REASON_SCOPE_MISSING) {
            denied.addAllMissingScopes(missing);
        }
        if (reason == DeniedReason.DENIED_REASON_LOGIN_TOO_OLD) {
            denied.setLoginQuery("provider=" + found.person.provider() + "&max_age="
                    + asked.getRequirements().getMaxLoginAge().getSeconds());
        }
        if (asked.hasContext()) {
            boolean isSent = !denied.getLoginQuery().isEmpty() && isSentToLogin(asked);
            denied.setAnswer(
                    isSent
                            ? Finished.toLogin(asked.getContext().getTarget(), denied.getLoginQuery() + "&")
                            : problem(state, reason, missing));
        }
        return denied.build();
    }

    static HttpAnswer problem(State state, DeniedReason reason, List<String> missing) {
        return switch (reason) {
            case DENIED_REASON_ORIGIN_REFUSED ->
                Finished.problem(
                        403,
                        "origin_refused",
                        "Requests from this origin are not allowed",
                        "Send the request from the site itself.");
            case DENIED_REASON_SCOPE_MISSING ->
                Finished.problem(
                        403,
                        "scope_missing",
                        "Missing scope: " + String.join(" ", missing),
                        "Log in with an account that is granted the scope.");
            case DENIED_REASON_LOGIN_TOO_OLD ->
                Finished.problem(
                        403, "login_too_old", "A fresh login is needed", "Log in again, then repeat the request.");
            case DENIED_REASON_CSRF_MISSING,
                    DENIED_REASON_CSRF_INVALID,
                    DENIED_REASON_CSRF_EXPIRED,
                    DENIED_REASON_CSRF_OTHER_SESSION,
                    DENIED_REASON_CSRF_ROTATED ->
                Finished.problem(
                        403,
                        "csrf_mismatch",
                        "CSRF token mismatch",
                        "Fetch a fresh token from /auth/me and send it in the " + state.settings.getCsrfHeader()
                                + " header.");
            default -> Finished.problem(403, "forbidden", "This session may not make this request", "");
        };
    }

    private static boolean isSentToLogin(ValidateSessionRequest asked) {
        RequestContext context = asked.getContext();
        return !asked.getAnswerJson()
                && Judge.isNavigation(context)
                && Judge.text(context.getMethod()).equals("GET");
    }
}
