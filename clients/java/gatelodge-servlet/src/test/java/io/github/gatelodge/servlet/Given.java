package io.github.gatelodge.servlet;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.gatelodge.testing.BearerToken;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.Person;
import io.github.gatelodge.testing.SignedIn;
import io.github.gatelodge.v1.InactiveReason;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.StreamSupport;

/** What clients/scenarios.json gives a fake, and what it changes. */
final class Given {
    private final FakeAuthority authority;
    private final Map<String, SignedIn> signedIn = new HashMap<>();
    private final Map<String, JsonNode> tokens = new HashMap<>();

    Given(FakeAuthority authority, JsonNode given) {
        this.authority = authority;
        for (JsonNode session : given.get("sessions")) {
            signedIn.put(session.get("cookie").asText(), authority.signIn(person(session)));
        }
        for (JsonNode token : given.path("tokens")) {
            tokens.put(token.get("token").asText(), token);
            issue(token, token.path("state").asText("active"));
        }
        be(given.path("authority").asText());
    }

    void change(JsonNode given) {
        be(given.path("authority").asText());
        given.path("states").properties().forEach(state -> signedIn.get(state.getKey())
                .setInactive(state(state.getValue().asText())));
        given.path("token_states")
                .properties()
                .forEach(state ->
                        issue(tokens.get(state.getKey()), state.getValue().asText()));
    }

    private void issue(JsonNode token, String state) {
        BearerToken issued = authority
                .issueToken(somebody(token), token.get("token").asText())
                .forAudiences(texts(token.path("audiences")))
                .forClient(token.path("client_id").asText(""));
        switch (state) {
            case "expired" -> issued.expiring(Instant.EPOCH);
            case "withdrawn" -> issued.end();
            default -> {}
        }
    }

    private static Person person(JsonNode session) {
        return somebody(session)
                .withProvider(session.path("provider").asText("fake"))
                .withProviderSession(session.path("provider_session").asText(""))
                .withInactive(state(session.path("state").asText("active")))
                .withCookie(session.get("cookie").asText())
                .withCsrfToken(session.path("csrf_token").asText(""))
                .withRenewedCookie(session.path("renewed_cookie").asText(""));
    }

    private static Person somebody(JsonNode one) {
        String email = one.path("email").asText("");
        return Person.of(one.path("user_id").asText(""))
                .called(one.path("name").asText(""), email)
                .withEmailVerified(one.path("email_verified").asBoolean(!email.isEmpty()))
                .withScopes(texts(one.path("scopes")))
                .withPermissions(texts(one.path("permissions")))
                .withRoles(texts(one.path("roles")))
                .withAcr(one.path("acr").asText(""))
                .withAmr(texts(one.path("amr")))
                .withLoginTime(
                        Instant.now().minusSeconds(one.path("login_age_seconds").asLong(0)));
    }

    private static String[] texts(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false)
                .map(JsonNode::asText)
                .toArray(String[]::new);
    }

    private static InactiveReason state(String name) {
        return name.equals("active")
                ? InactiveReason.INACTIVE_REASON_UNSPECIFIED
                : InactiveReason.valueOf("INACTIVE_REASON_" + name.toUpperCase(Locale.ROOT));
    }

    private void be(String what) {
        switch (what) {
            case "" -> {}
            case "up" -> authority.back();
            case "away" -> authority.away();
            case "slow" -> authority.slow();
            default -> throw new AssertionError("an authority can't be " + what);
        }
    }
}
