package io.github.gatelodge;

import com.google.protobuf.Timestamp;
import io.github.gatelodge.v1.Identity;
import io.github.gatelodge.v1.SessionInfo;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A living session that meets every requirement which was asked for. It holds no secret.
 *
 * @param identity all that the identity provider said
 * @param info the session's facts: its public id and its times
 */
public record Session(Identity identity, SessionInfo info) {
    /** The user's stable id, {@code <provider>_<sub>}: the key to keep a user's own data under. */
    public String userId() {
        return identity.getUserId();
    }

    /** The session's public id, {@code sid_...}: safe to log, and what {@link AdminCalls} take. */
    public String id() {
        return info.getSessionId();
    }

    /** The email address, when the provider gave one. It is no identity: it may change hands. */
    public Optional<String> email() {
        return given(identity.getEmail());
    }

    /** The display name, when the provider gave one. */
    public Optional<String> name() {
        return given(identity.getName());
    }

    /** The provider's name in the authority's configuration. */
    public String provider() {
        return identity.getProvider();
    }

    /** The scopes that were granted. */
    public List<String> scopes() {
        return identity.getScopesList();
    }

    /** What the user may do, as the provider's configuration maps it. */
    public List<String> permissions() {
        return identity.getPermissionsList();
    }

    /** The user's roles likewise. */
    public List<String> roles() {
        return identity.getRolesList();
    }

    /** When the user last authenticated at the provider, where the provider says so. */
    public Optional<Instant> loginTime() {
        return identity.hasAuthTime() ? Optional.of(moment(identity.getAuthTime())) : Optional.empty();
    }

    /** When it ends if it is not used again, or at the latest: whichever comes first. */
    public Instant expireTime() {
        Instant idle = moment(info.getIdleExpireTime());
        Instant absolute = moment(info.getAbsoluteExpireTime());
        return idle.isBefore(absolute) ? idle : absolute;
    }

    /** Whose session it is, and nothing personal beyond. */
    @Override
    public String toString() {
        return "Session[userId=" + userId() + ", id=" + id() + "]";
    }

    private static Optional<String> given(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    static Instant moment(Timestamp time) {
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }
}
