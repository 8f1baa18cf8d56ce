package io.github.gatelodge.testing;

import io.github.gatelodge.v1.InactiveReason;
import java.time.Instant;
import java.util.List;

/**
 * Who is signed in, and with what. Immutable: each {@code with} method returns another one.
 *
 * @param userId the user's stable id
 * @param email empty for none
 * @param name empty for none
 * @param provider the provider's name
 * @param scopes that were granted
 * @param loginTime when the user authenticated
 * @param inactive why the session is dead; {@code UNSPECIFIED} for one that lives
 * @param cookie the cookie's value; empty for one that nobody can guess
 * @param csrfToken the one that is issued and accepted; empty for {@code csrf_} and the cookie
 * @param renewedCookie unless empty, a second credential, which a check of the first delivers, as after a rotation
 */
public record Person(
        String userId,
        String email,
        String name,
        String provider,
        List<String> scopes,
        Instant loginTime,
        InactiveReason inactive,
        String cookie,
        String csrfToken,
        String renewedCookie) {
    public Person {
        scopes = List.copyOf(scopes);
    }

    /** Somebody with this id, who logged in just now at the provider {@code fake}. */
    public static Person of(String userId) {
        return new Person(
                userId,
                "",
                "",
                "fake",
                List.of(),
                Instant.now(),
                InactiveReason.INACTIVE_REASON_UNSPECIFIED,
                "",
                "",
                "");
    }

    /** With this email address and display name. */
    public Person called(String otherName, String otherEmail) {
        return new Person(
                userId, otherEmail, otherName, provider, scopes, loginTime, inactive, cookie, csrfToken, renewedCookie);
    }

    /** Of this provider. */
    public Person withProvider(String other) {
        return new Person(userId, email, name, other, scopes, loginTime, inactive, cookie, csrfToken, renewedCookie);
    }

    /** With these scopes granted. */
    public Person withScopes(String... granted) {
        return new Person(
                userId, email, name, provider, List.of(granted), loginTime, inactive, cookie, csrfToken, renewedCookie);
    }

    /** Who authenticated then. */
    public Person withLoginTime(Instant other) {
        return new Person(userId, email, name, provider, scopes, other, inactive, cookie, csrfToken, renewedCookie);
    }

    /** Whose session is dead for this reason. */
    public Person withInactive(InactiveReason reason) {
        return new Person(userId, email, name, provider, scopes, loginTime, reason, cookie, csrfToken, renewedCookie);
    }

    /** With this value in the session cookie. */
    public Person withCookie(String value) {
        return new Person(userId, email, name, provider, scopes, loginTime, inactive, value, csrfToken, renewedCookie);
    }

    /** With this CSRF token. */
    public Person withCsrfToken(String token) {
        return new Person(userId, email, name, provider, scopes, loginTime, inactive, cookie, token, renewedCookie);
    }

    /** With a second credential, which a check of the first delivers. */
    public Person withRenewedCookie(String value) {
        return new Person(userId, email, name, provider, scopes, loginTime, inactive, cookie, csrfToken, value);
    }
}
