package io.github.gatelodge.testing;

import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.DeniedSession;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.InactiveReason;
import io.github.gatelodge.v1.InactiveSession;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.Requirements;
import io.github.gatelodge.v1.ValidateSessionRequest;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
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
        // Where the fake was told to deny, nothing need be missing.
        List<String> missing = Lack.of(found.person, asked.getRequirements())
                .filter(lack -> lack.reason() == reason)
                .map(Lack::names)
                .orElse(List.of());
        String query = loginQuery(found, reason, asked.getRequirements());
        DeniedSession.Builder denied = DeniedSession.newBuilder()
                .setReason(reason)
                .setSession(found.info)
                .setLoginQuery(query);
        switch (reason) {
            case DENIED_REASON_SCOPE_MISSING -> denied.addAllMissingScopes(missing);
            case DENIED_REASON_PERMISSION_MISSING -> denied.addAllMissingPermissions(missing);
            case DENIED_REASON_ROLE_MISSING -> denied.addAllMissingRoles(missing);
            case DENIED_REASON_ACR_MISSING -> denied.addAllMissingAcrValues(missing);
            case DENIED_REASON_AMR_MISSING -> denied.addAllMissingAmrValues(missing);
            default -> {}
        }
        Words words = words(state, reason, missing);
        denied.setRemedy(words.remedy);
        if (asked.hasContext()) {
            boolean isSent = !query.isEmpty() && isSentToLogin(asked);
            denied.setAnswer(
                    isSent ? Finished.toLogin(asked.getContext().getTarget(), query + "&") : words.answer(query));
        }
        return denied.build();
    }

    static HttpAnswer problem(State state, DeniedReason reason) {
        return words(state, reason, List.of()).answer("");
    }

    /** The login that helps, asked for all that is needed of one; empty where none does. */
    private static String loginQuery(Living found, DeniedReason reason, Requirements needed) {
        boolean isMended = reason == DeniedReason.DENIED_REASON_LOGIN_TOO_OLD
                || reason == DeniedReason.DENIED_REASON_ACR_MISSING
                || reason == DeniedReason.DENIED_REASON_AMR_MISSING;
        if (!isMended) {
            return "";
        }
        String query = "provider=" + found.person.provider();
        if (needed.hasMaxLoginAge() || reason == DeniedReason.DENIED_REASON_LOGIN_TOO_OLD) {
            query += "&max_age=" + needed.getMaxLoginAge().getSeconds();
        }
        if (needed.getAcrValuesCount() > 0) {
            String classes = String.join(" ", needed.getAcrValuesList());
            query += "&acr_values=" + URLEncoder.encode(classes, StandardCharsets.UTF_8);
        }
        return reason == DeniedReason.DENIED_REASON_AMR_MISSING ? query + "&prompt=login" : query;
    }

    /** What a browser is told. */
    record Words(String reason, String detail, String remedy) {
        HttpAnswer answer(String loginQuery) {
            return loginQuery.isEmpty()
                    ? Finished.problem(403, reason, detail, remedy)
                    : Finished.problem(403, reason, detail, remedy, "login_path", "/auth/web/login?" + loginQuery);
        }
    }

    static Words words(State state, DeniedReason reason, List<String> missing) {
        String askForIt = "Ask whoever runs this application for it, then log in again.";
        String logInSo = "Log in again in the way that is asked for, then repeat the request.";
        return switch (reason) {
            case DENIED_REASON_ORIGIN_REFUSED ->
                new Words(
                        "origin_refused",
                        "Requests from this origin are not allowed",
                        "Send the request from the site itself.");
            case DENIED_REASON_SCOPE_MISSING ->
                new Words(
                        "scope_missing",
                        "Missing scope: " + String.join(" ", missing),
                        "Log in with an account that is granted the scope.");
            case DENIED_REASON_PERMISSION_MISSING ->
                new Words("permission_missing", "Missing permission: " + String.join(" ", missing), askForIt);
            case DENIED_REASON_ROLE_MISSING ->
                new Words("role_missing", "Missing role: " + String.join(" ", missing), askForIt);
            case DENIED_REASON_EMAIL_NOT_VERIFIED ->
                new Words(
                        "email_not_verified",
                        "A verified email address is needed",
                        "Verify your email address where you log in, then log in again.");
            case DENIED_REASON_ACR_MISSING -> new Words("acr_missing", "A stronger login is needed", logInSo);
            case DENIED_REASON_AMR_MISSING ->
                new Words("amr_missing", "A login is needed that uses " + String.join(" and ", missing), logInSo);
            case DENIED_REASON_LOGIN_TOO_OLD ->
                new Words("login_too_old", "A fresh login is needed", "Log in again, then repeat the request.");
            case DENIED_REASON_CSRF_MISSING,
                    DENIED_REASON_CSRF_INVALID,
                    DENIED_REASON_CSRF_EXPIRED,
                    DENIED_REASON_CSRF_OTHER_SESSION,
                    DENIED_REASON_CSRF_ROTATED ->
                new Words(
                        "csrf_mismatch",
                        "CSRF token mismatch",
                        "Fetch a fresh token from /auth/me and send it in the " + state.settings.getCsrfHeader()
                                + " header.");
            default -> new Words("forbidden", "This session may not make this request", "");
        };
    }

    private static boolean isSentToLogin(ValidateSessionRequest asked) {
        RequestContext context = asked.getContext();
        return !asked.getAnswerJson()
                && Judge.isNavigation(context)
                && Judge.text(context.getMethod()).equals("GET");
    }
}
