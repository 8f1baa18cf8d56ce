package io.github.gatelodge.servlet;

import com.fasterxml.jackson.databind.JsonNode;
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

    Given(FakeAuthority authority, JsonNode given) {
        this.authority = authority;
        for (JsonNode session : given.get("sessions")) {
            signedIn.put(session.get("cookie").asText(), authority.signIn(person(session)));
        }
        be(given.path("authority").asText());
    }

    void change(JsonNode given) {
        be(given.path("authority").asText());
        given.path("states").properties().forEach(state -> signedIn.get(state.getKey())
                .setInactive(state(state.getValue().asText())));
    }

    private static Person person(JsonNode session) {
        String[] scopes = StreamSupport.stream(session.path("scopes").spliterator(), false)
                .map(JsonNode::asText)
                .toArray(String[]::new);
        return Person.of(session.get("user_id").asText())
                .called(session.path("name").asText(""), session.path("email").asText(""))
                .withProvider(session.path("provider").asText("fake"))
                .withScopes(scopes)
                .withLoginTime(Instant.now()
                        .minusSeconds(session.path("login_age_seconds").asLong(0)))
                .withInactive(state(session.path("state").asText("active")))
                .withCookie(session.get("cookie").asText())
                .withCsrfToken(session.path("csrf_token").asText(""))
                .withRenewedCookie(session.path("renewed_cookie").asText(""));
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
