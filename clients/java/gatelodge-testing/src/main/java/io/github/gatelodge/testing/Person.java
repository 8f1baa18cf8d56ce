package io.github.gatelodge.testing;

import com.google.protobuf.Timestamp;
import io.github.gatelodge.v1.Identity;
import io.github.gatelodge.v1.InactiveReason;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;

/**
 * Who is signed in, and with what. Immutable: each {@code with} method returns another one.
 *
 * @param identity who it is, with all that the provider says
 * @param inactive why the session is dead; {@code UNSPECIFIED} for one that lives
 * @param cookie the cookie's value; empty for one that nobody can guess
 * @param csrfToken the one that is issued and accepted; empty for {@code csrf_} and the cookie
 * @param renewedCookie unless empty, a second credential, which a check of the first delivers, as after a rotation
 * @param providerSession unless empty, the provider's own session ({@code sid}), which a logout there ends
 */
public record Person(
        Identity identity,
        InactiveReason inactive,
        String cookie,
        String csrfToken,
        String renewedCookie,
        String providerSession) {
    /** Somebody with this id, who logged in just now at the provider {@code fake}. */
    public static Person of(String userId) {
        Identity identity = Identity.newBuilder()
                .setUserId(userId)
                .setTenant("default")
                .setProvider("fake")
                .setIssuer("https://provider.example")
                .setSub(userId.substring(userId.indexOf('_') + 1))
                .setAuthTime(moment(Instant.now()))
                .build();
        return new Person(identity, InactiveReason.INACTIVE_REASON_UNSPECIFIED, "", "", "", "");
    }

    /** The user's stable id. */
    public String userId() {
        return identity.getUserId();
    }

    /** The provider's name. */
    public String provider() {
        return identity.getProvider();
    }

    /** The scopes that were granted. */
    public List<String> scopes() {
        return identity.getScopesList();
    }

    /** When the user authenticated. */
    public Instant loginTime() {
        Timestamp time = identity.getAuthTime();
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }

    /** With anything else that a provider says of somebody. */
    public Person withIdentity(Consumer<Identity.Builder> change) {
        Identity.Builder changed = identity.toBuilder();
        change.accept(changed);
        return new Person(changed.build(), inactive, cookie, csrfToken, renewedCookie, providerSession);
    }

    /** With this display name and email address, which is verified. */
    public Person called(String name, String email) {
        return withIdentity(who -> who.setName(name).setEmail(email).setEmailVerified(!email.isEmpty()));
    }

    /** Whose provider has verified the email address, or has not. */
    public Person withEmailVerified(boolean isVerified) {
        return withIdentity(who -> who.setEmailVerified(isVerified));
    }

    /** Of this provider. */
    public Person withProvider(String name) {
        return withIdentity(who -> who.setProvider(name));
    }

    /** With these scopes granted. */
    public Person withScopes(String... granted) {
        return withIdentity(who -> who.clearScopes().addAllScopes(List.of(granted)));
    }

    /** Who may do this. */
    public Person withPermissions(String... permissions) {
        return withIdentity(who -> who.clearPermissions().addAllPermissions(List.of(permissions)));
    }

    /** With these roles. */
    public Person withRoles(String... roles) {
        return withIdentity(who -> who.clearRoles().addAllRoles(List.of(roles)));
    }

    /** Whose login had this authentication context class; empty for none. */
    public Person withAcr(String acr) {
        return withIdentity(who -> who.setAcr(acr));
    }

    /** Whose login used these authentication methods (RFC 8176). */
    public Person withAmr(String... methods) {
        return withIdentity(who -> who.clearAmr().addAllAmr(List.of(methods)));
    }

    /** Who authenticated then. */
    public Person withLoginTime(Instant time) {
        return withIdentity(who -> who.setAuthTime(moment(time)));
    }

    /** Whose session is dead for this reason. */
    public Person withInactive(InactiveReason reason) {
        return new Person(identity, reason, cookie, csrfToken, renewedCookie, providerSession);
    }

    /** With this value in the session cookie. */
    public Person withCookie(String value) {
        return new Person(identity, inactive, value, csrfToken, renewedCookie, providerSession);
    }

    /** With this CSRF token. */
    public Person withCsrfToken(String token) {
        return new Person(identity, inactive, cookie, token, renewedCookie, providerSession);
    }

    /** With a second credential, which a check of the first delivers. */
    public Person withRenewedCookie(String value) {
        return new Person(identity, inactive, cookie, csrfToken, value, providerSession);
    }

    /** Whose session began with this one of the provider's own, which a logout there ends. */
    public Person withProviderSession(String sid) {
        return new Person(identity, inactive, cookie, csrfToken, renewedCookie, sid);
    }

    static Timestamp moment(Instant time) {
        return Timestamp.newBuilder()
                .setSeconds(time.getEpochSecond())
                .setNanos(time.getNano())
                .build();
    }
}
