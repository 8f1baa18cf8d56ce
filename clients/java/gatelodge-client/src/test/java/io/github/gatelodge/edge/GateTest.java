package io.github.gatelodge.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.github.gatelodge.BeforeScriptedAuthority;
import io.github.gatelodge.OptionsException;
import io.github.gatelodge.Requirement;
import io.github.gatelodge.ScriptedAuthority;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.EdgeSettings;
import io.github.gatelodge.v1.GetEdgeSettingsResponse;
import io.github.gatelodge.v1.RouteSet;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GateTest extends BeforeScriptedAuthority {
    private static final String SETTINGS = "GetEdgeSettings";
    private static final String VALIDATE = "ValidateSession";

    private static GetEdgeSettingsResponse settings(String version) {
        return GetEdgeSettingsResponse.newBuilder()
                .setSettings(EdgeSettings.newBuilder()
                        .setVersion(version)
                        .addSessionCookieNames("session")
                        .setCsrfHeader("x-csrf-token")
                        .addRouteSets(RouteSet.ROUTE_SET_WEB))
                .build();
    }

    private static ValidateSessionResponse active(String version, String... scopes) {
        ValidateSessionResponse.Builder answer =
                ValidateSessionResponse.newBuilder().setSettingsVersion(version);
        answer.getActiveBuilder().getIdentityBuilder().setUserId("google_1");
        answer.getActiveBuilder().getSessionBuilder().setSessionId("sid_1");
        for (String scope : scopes) {
            answer.getActiveBuilder().getJudgedBuilder().addScopes(scope);
        }
        return answer.build();
    }

    private static void eventually(BooleanSupplier holds) throws InterruptedException {
        for (int tries = 0; tries < 500 && !holds.getAsBoolean(); tries++) {
            Thread.sleep(10);
        }
        assertTrue(holds.getAsBoolean());
    }

    @Test
    void untilThereAreSettingsNothingIsAsked() {
        authority.say(SETTINGS, ScriptedAuthority.NEVER);
        try (Gate gate = Gate.of(client)) {
            Admission admission = gate.admit(Request.get("/", "cookie: session=a"), Guard.sessions());
            assertEquals(503, admission.instead().orElseThrow().status());
            assertThrows(GatelodgeException.class, () -> gate.awaitReady(Duration.ofMillis(50)));
            assertEquals(0, authority.calls(VALIDATE).size());
        }
    }

    @Test
    void anEdgeThatWasStartedBeforeItsAuthorityIsWellByItselfAfterPausesThatNoRequestShortens() throws Exception {
        Object away = ScriptedAuthority.failure(Status.Code.INTERNAL, "INTERNAL", 0);
        authority.say(SETTINGS, away, away, away, settings("1"));
        authority.say(VALIDATE, active("1"));
        try (Gate gate = Gate.of(client)) {
            long begun = System.nanoTime();
            while (authority.calls(SETTINGS).size() < 4) {
                Admission early = gate.admit(Request.get("/", "cookie: session=a"), Guard.sessions());
                assertEquals(503, early.instead().map(Answer::status).orElse(503));
                assertTrue(Duration.ofNanos(System.nanoTime() - begun).toSeconds() < 10, "it asks again");
                Thread.sleep(5);
            }
            long waited = Duration.ofNanos(System.nanoTime() - begun).toMillis();
            assertTrue(waited >= 1750, waited + " ms for three pauses, of half a second, one and two at most");
            gate.awaitReady(Duration.ofSeconds(5));
            Admission admission = gate.admit(Request.get("/", "cookie: session=a"), Guard.require());
            assertEquals("google_1", admission.session().orElseThrow().userId());
        }
    }

    @Test
    void settingsThatCantBeUsedAreNotTakenAndLaterOnesAre() throws Exception {
        authority.say(SETTINGS, GetEdgeSettingsResponse.getDefaultInstance(), settings("1"));
        try (Gate gate = Gate.of(client)) {
            gate.awaitReady(Duration.ofSeconds(5));
            assertEquals(2, authority.calls(SETTINGS).size());
        }
    }

    @Test
    void anAnswerThatNamesAnotherVersionHasTheSettingsAskedForAgain() throws Exception {
        authority.say(SETTINGS, settings("1"), ScriptedAuthority.failure(Status.Code.INTERNAL, "INTERNAL", 0));
        authority.say(VALIDATE, active("2"));
        try (Gate gate = Gate.of(client)) {
            gate.awaitReady(Duration.ofSeconds(5));
            gate.admit(Request.get("/"), Guard.sessions());
            eventually(() -> authority.calls(SETTINGS).size() >= 2);
            Thread.sleep(50);
            Admission admission = gate.admit(Request.get("/"), Guard.sessions());
            assertEquals("google_1", admission.session().orElseThrow().userId(), "the last good settings stay");
        }
    }

    @Test
    void anInnerGuardAsksOnlyForWhatWasNotJudged() throws Exception {
        authority.say(SETTINGS, settings("1"));
        authority.say(VALIDATE, active("1", "a"));
        try (Gate gate = Gate.of(client)) {
            gate.awaitReady(Duration.ofSeconds(5));
            Request request = Request.get("/", "cookie: session=a");
            Admission outer = gate.admit(request, Guard.sessions());
            assertFalse(gate.admit(request, Guard.require(), outer).isAsked());
            assertFalse(gate.admit(request, Guard.require(Requirement.scopes("a")), outer)
                    .isAsked());
            assertEquals(1, authority.calls(VALIDATE).size());
            authority.say(VALIDATE, active("1", "b"));
            assertTrue(gate.admit(request, Guard.require(Requirement.scopes("b")), outer)
                    .isAsked());
            Request other = Request.get("/", "cookie: session=b");
            assertTrue(gate.admit(other, Guard.require(), outer).isAsked());
        }
    }

    private static Request options(String... lines) {
        return new Request("OPTIONS", "/", "", List.of(lines));
    }

    @Test
    void aPreflightIsNotAskedAboutAndPassesNoGuardThatNeedsASession() throws Exception {
        authority.say(SETTINGS, settings("1"));
        try (Gate gate = Gate.of(client)) {
            gate.awaitReady(Duration.ofSeconds(5));
            Request preflight = options("origin: https://a.example", "access-control-request-method: POST");
            Admission looking = gate.admit(preflight, Guard.sessions());
            assertTrue(looking.instead().isEmpty() && looking.session().isEmpty());
            assertEquals(204, looking.notSignedIn().status());
            Admission inner = gate.admit(preflight, Guard.require(), looking);
            assertEquals(204, inner.instead().orElseThrow().status());
            assertEquals(0, authority.calls(VALIDATE).size());
        }
    }

    @Test
    void optionsIsAskedAboutUnlessABrowserAsksForAnotherOrigin() throws Exception {
        authority.say(SETTINGS, settings("1"));
        authority.say(VALIDATE, active("1"));
        try (Gate gate = Gate.of(client)) {
            gate.awaitReady(Duration.ofSeconds(5));
            gate.admit(options("origin: https://a.example"), Guard.require());
            gate.admit(options("access-control-request-method: POST"), Guard.require());
            assertEquals(2, authority.calls(VALIDATE).size());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"app", "/", "/app/", "//app", "/a//b", "/a b", "/../a", "/.", "/a?b"})
    void aMountPrefixThatIsNoneIsRefused(String prefix) {
        assertThrows(OptionsException.class, () -> Edge.of(client, prefix).close());
    }

    @Test
    void onlyTheEdgesOwnPathsAreTaken() throws Exception {
        authority.say(SETTINGS, settings("1"));
        try (Edge edge = Edge.of(client, "/app/v1.0")) {
            edge.gate().awaitReady(Duration.ofSeconds(5));
            assertTrue(edge.begin(Request.get("/app/v1.0/auth/me?x")).isPresent());
            for (String path : new String[] {"/auth/me", "/app/v1.0/auth/me/", "/app/v1.0/AUTH/ME", "/app/v1.0/auth"}) {
                assertTrue(edge.begin(Request.get(path)).isEmpty(), path);
            }
        }
    }

    /** Settings of a tenant at these hosts, with a cookie, a CSRF header and an allowed origin of its own. */
    private static EdgeSettings at(String name, String... hosts) {
        EdgeSettings.Builder own = settings("1").getSettings().toBuilder();
        own.clearSessionCookieNames().addSessionCookieNames(name).addAllHosts(List.of(hosts));
        own.setCsrfHeader("x-csrf-" + name);
        own.getCorsBuilder().addAllowedOrigins("https://" + name + ".example");
        return own.build();
    }

    @ParameterizedTest
    @CsvSource({
        "app.example.com, app",
        "acme.example.com, acme",
        "ACME.example.com:8000, acme",
        "[::1]:8000, acme",
        "[::1], acme",
        "app.example.com:8443, other",
        "app.example.com:9000, app",
        "elsewhere.example, app",
        "'', app",
    })
    void aRequestGoesByTheSettingsOfTheTenantWhoseHostItNames(String host, String name) throws Exception {
        authority.say(
                SETTINGS,
                GetEdgeSettingsResponse.newBuilder()
                        .setSettings(at("app", "app.example.com"))
                        .addOthers(at("acme", "acme.example.com", "[::1]"))
                        .addOthers(at("other", "app.example.com:8443"))
                        .build());
        ValidateSessionResponse.Builder rotated = active("1").toBuilder();
        rotated.getActiveBuilder().setCsrfToken("token").addSetCookies("a=b");
        authority.say(VALIDATE, rotated.build());
        try (Edge edge = Edge.of(client)) {
            edge.gate().awaitReady(Duration.ofSeconds(5));
            String[] lines = {"host: " + host, "cookie: app=1; acme=1; other=1"};
            Admission admission = edge.gate().admit(Request.get("/", lines), Guard.require());
            Answer me = edge.begin(Request.get("/auth/me", lines)).orElseThrow().answer(ByteString.EMPTY);
            assertEquals(200, me.status());
            for (List<Answer.Header> headers : List.of(admission.deliveries(), me.headers())) {
                assertTrue(headers.contains(new Answer.Header("x-csrf-" + name, "token")), headers.toString());
            }
            for (ScriptedAuthority.Call call : authority.calls(VALIDATE)) {
                ValidateSessionRequest question = (ValidateSessionRequest) call.question();
                assertEquals(
                        List.of(name),
                        question.getCookiesList().stream().map(Cookie::getName).toList());
            }
            for (String asking : List.of("app", "acme", "other")) {
                String origin = "https://" + asking + ".example";
                String[] preflight = {"host: " + host, "origin: " + origin, "access-control-request-method: GET"};
                Request own = new Request("OPTIONS", "/", "", List.of(preflight));
                Request edges = new Request("OPTIONS", "/auth/me", "", List.of(preflight));
                for (Answer answer : List.of(
                        edge.gate().admit(own, Guard.require()).instead().orElseThrow(),
                        edge.begin(edges).orElseThrow().answer(ByteString.EMPTY))) {
                    Answer.Header allowed = new Answer.Header("Access-Control-Allow-Origin", origin);
                    assertEquals(asking.equals(name), answer.headers().contains(allowed), asking);
                }
            }
        }
    }
}
