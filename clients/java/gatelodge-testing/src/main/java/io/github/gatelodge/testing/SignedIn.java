package io.github.gatelodge.testing;

import io.github.gatelodge.v1.InactiveReason;

/** A browser that holds a session of a {@link FakeAuthority}. */
public final class SignedIn {
    private final State state;
    private final Living living;

    SignedIn(State state, Living living) {
        this.state = state;
        this.living = living;
    }

    /** The Cookie header: {@code session=...}. */
    public String cookie() {
        return FakeAuthority.COOKIE_NAME + "=" + credential();
    }

    /** The value of the session cookie. */
    public String credential() {
        return living.person.cookie();
    }

    /** The token that unsafe requests send in {@link FakeAuthority#CSRF_HEADER}. */
    public String csrfToken() {
        return living.person.csrfToken();
    }

    /** The session's public id. */
    public String sessionId() {
        return living.info.getSessionId();
    }

    /** Ends the session, as an admin or another browser would. */
    public void end() {
        setInactive(InactiveReason.INACTIVE_REASON_REVOKED);
    }

    /** Says why the session is dead; with {@code UNSPECIFIED} it lives. */
    public void setInactive(InactiveReason reason) {
        synchronized (state) {
            state.become(living, reason);
        }
    }
}
