package io.github.gatelodge.edge;

import io.github.gatelodge.Requirement;
import io.github.gatelodge.v1.Requirements;

/**
 * What a route of the application wants of sessions.
 *
 * @param isRequired whether nobody may enter without a session
 * @param needs what is needed of those who have one
 */
public record Guard(boolean isRequired, Requirements needs) {
    /**
     * Looks for the session, and refuses requests that it may not make (CSRF, origin) before the application runs.
     * Nobody is an answer too.
     */
    public static Guard sessions(Requirement... needs) {
        return new Guard(false, Requirement.all(needs));
    }

    /**
     * As {@link #sessions}, and keeps out everybody who has no session: a browser is sent to the login, a fetch gets
     * 401 JSON.
     */
    public static Guard require(Requirement... needs) {
        return new Guard(true, Requirement.all(needs));
    }
}
