package io.github.gatelodge;

import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.v1.ActiveSession;
import io.github.gatelodge.v1.CsrfRequirement;
import io.github.gatelodge.v1.DeniedSession;
import io.github.gatelodge.v1.InactiveSession;
import io.github.gatelodge.v1.JudgedRequirements;
import io.github.gatelodge.v1.Requirements;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import java.util.List;

/** A definite answer about a presented session. */
public sealed interface Verdict {
    /** The name of the edge settings in force; empty in an answer from what is kept. */
    String settingsVersion();

    /**
     * The session lives, and every requirement is met.
     *
     * @param session the session
     * @param judged all that was judged to let the request through
     * @param setCookies whole Set-Cookie values to deliver with the answer to this very request
     * @param csrfToken a fresh one when it was asked for or the credential was rotated, to be delivered beside
     *     setCookies; else empty
     */
    record Active(
            Session session,
            JudgedRequirements judged,
            List<String> setCookies,
            String csrfToken,
            String settingsVersion)
            implements Verdict {
        /** As it is kept: it says nothing of the settings that are in force when it is used. */
        Active withoutSettings() {
            return new Active(session, judged, setCookies, csrfToken, "");
        }

        /** Whose session it is. Cookies and token are left out. */
        @Override
        public String toString() {
            return "Active[" + session + "]";
        }
    }

    /**
     * There is no living session.
     *
     * @param why as far as is known. A reason that this client does not know changes nothing
     */
    record Inactive(InactiveSession why, String settingsVersion) implements Verdict {}

    /**
     * The session lives, but this request may not go ahead.
     *
     * @param why what is missing. Treat an unknown reason as 403
     */
    record Denied(DeniedSession why, String settingsVersion) implements Verdict {}

    /**
     * Makes a verdict of an answer.
     *
     * <p>Invariant: an older authority ignores a requirement that it does not know, and its "active" is then no yes; a
     * newer one may give an outcome that is not known here, which is neither yes nor no.
     *
     * @throws InconclusiveException the authority could not say
     */
    static Verdict read(ValidateSessionRequest question, ValidateSessionResponse answer) {
        String version = answer.getSettingsVersion();
        return switch (answer.getOutcomeCase()) {
            case ACTIVE -> active(question, answer.getActive(), version);
            case INACTIVE -> new Inactive(answer.getInactive(), version);
            case DENIED -> new Denied(answer.getDenied(), version);
            case OUTCOME_NOT_SET ->
                throw new InconclusiveException(
                        "the authority gave an outcome that is not known here: it may be newer than this client");
        };
    }

    private static Verdict active(ValidateSessionRequest question, ActiveSession active, String version) {
        if (!active.hasIdentity() || !active.hasSession()) {
            throw new InconclusiveException("the authority found a session, and did not say whose");
        }
        boolean isJudged = isJudged(question.getRequirements(), active.getJudged())
                && (!isCsrfNeeded(question) || active.getJudged().getCsrf());
        if (!isJudged) {
            throw new InconclusiveException(
                    "the authority did not judge all that was asked: it may be older than this client");
        }
        Session session = new Session(active.getIdentity(), active.getSession());
        return new Active(session, active.getJudged(), active.getSetCookiesList(), active.getCsrfToken(), version);
    }

    /** Whether all that was asked for beside CSRF is among what was judged. */
    static boolean isJudged(Requirements asked, JudgedRequirements judged) {
        return Judged.all(asked, judged);
    }

    /** Whether a CSRF token is needed, and so has to be among what was judged. */
    static boolean isCsrfNeeded(ValidateSessionRequest question) {
        CsrfRequirement csrf = question.getRequirements().getCsrf();
        if (csrf == CsrfRequirement.CSRF_REQUIREMENT_REQUIRED) {
            return true;
        }
        boolean isByMethod = csrf != CsrfRequirement.CSRF_REQUIREMENT_NOT_REQUIRED && question.hasContext();
        return isByMethod
                && !Judged.SAFE_METHODS.contains(
                        question.getContext().getMethod().toStringUtf8());
    }
}
