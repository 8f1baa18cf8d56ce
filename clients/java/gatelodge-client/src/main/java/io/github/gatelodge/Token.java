package io.github.gatelodge;

import com.google.protobuf.Struct;
import io.github.gatelodge.v1.ActiveToken;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A good bearer token that meets every requirement which was asked for. It holds no secret.
 *
 * @param active all that the authority said of it
 */
public record Token(ActiveToken active) {
    /** The user's stable id, {@code <provider>_<sub>}; empty when the token speaks for a program alone. */
    public Optional<String> userId() {
        return given(active.getIdentity().getUserId());
    }

    /** The OAuth2 client that it was given to, when it says so. */
    public Optional<String> clientId() {
        return given(active.getClientId());
    }

    /** The name of the provider that issued it, or that the session of one of the authority's own began with. */
    public String provider() {
        return active.getIdentity().getProvider();
    }

    /** The scopes that it was granted. */
    public List<String> scopes() {
        return active.getIdentity().getScopesList();
    }

    /** What it permits beyond scopes. */
    public List<String> permissions() {
        return active.getPermissionsList();
    }

    /** The roles that it names. */
    public List<String> roles() {
        return active.getIdentity().getRolesList();
    }

    /** Whom it is for. */
    public List<String> audiences() {
        return active.getAudiencesList();
    }

    /** When it ends, when it says so. */
    public Optional<Instant> expireTime() {
        return active.hasExpireTime() ? Optional.of(Session.moment(active.getExpireTime())) : Optional.empty();
    }

    /** All claims of a token of the authority's own; empty for others. */
    public Optional<Struct> claims() {
        return active.hasClaims() ? Optional.of(active.getClaims()) : Optional.empty();
    }

    /** Whose token it is, and nothing personal beyond. */
    @Override
    public String toString() {
        return "Token[userId=" + userId().orElse("") + ", clientId=" + active.getClientId() + "]";
    }

    private static Optional<String> given(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }
}
