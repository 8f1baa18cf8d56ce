package io.github.gatelodge.testing;

import java.time.Instant;
import java.util.List;

/** A program that holds a bearer token of a {@link FakeAuthority}. */
public final class BearerToken {
    private final State state;
    private final Issued issued;

    BearerToken(State state, Issued issued) {
        this.state = state;
        this.issued = issued;
    }

    /** The token. */
    public String value() {
        return issued.value;
    }

    /** The Authorization header: {@code Bearer ...}. */
    public String header() {
        return "Bearer " + issued.value;
    }

    /** Says whom it is for, instead of {@code api}. */
    public BearerToken forAudiences(String... audiences) {
        synchronized (state) {
            issued.audiences = List.of(audiences);
        }
        return this;
    }

    /** Says which OAuth2 client it was given to. */
    public BearerToken forClient(String clientId) {
        synchronized (state) {
            issued.clientId = clientId;
        }
        return this;
    }

    /** Says when it ends, instead of in an hour. */
    public BearerToken expiring(Instant time) {
        synchronized (state) {
            issued.expires = time;
        }
        return this;
    }

    /** Withdraws it. */
    public void end() {
        synchronized (state) {
            issued.isWithdrawn = true;
        }
    }
}
