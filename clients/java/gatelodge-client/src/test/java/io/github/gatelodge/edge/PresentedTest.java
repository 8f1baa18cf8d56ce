package io.github.gatelodge.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.gatelodge.v1.EdgeSettings;
import io.github.gatelodge.v1.Limits;
import io.github.gatelodge.v1.RequestContext;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PresentedTest {
    private static final String FORM = "application/x-www-form-urlencoded";
    private static final Settings SETTINGS = Settings.read(EdgeSettings.newBuilder()
            .addSessionCookieNames("session")
            .addSessionCookieNames("former")
            .addBindingCookieNames("login")
            .setCsrfHeader("x-csrf-token")
            .setLimits(Limits.newBuilder()
                    .setMaxCookieBytes(10)
                    .setMaxCookies(3)
                    .setMaxHeaderBytes(20)
                    .setMaxQueryBytes(10))
            .build());

    private static List<String> cookies(String... lines) {
        return Presented.sessionCookies(Request.get("/", lines), SETTINGS).stream()
                .map(cookie -> cookie.getName() + "=" + cookie.getValue().toString(StandardCharsets.ISO_8859_1))
                .toList();
    }

    @Test
    void cookiesArriveAsTheyCame() {
        assertEquals(List.of("session=a=b"), cookies("cookie: session=a=b"));
        assertEquals(List.of("session=\"a b\""), cookies("cookie: x=1;\t session=\"a b\" ;y"));
        assertEquals(List.of("session=%41\u00ff"), cookies("cookie: session=%41\u00ff"));
        assertEquals(List.of("session="), cookies("cookie: session; session="));
        assertEquals(List.of(), cookies("cookie: Session=a; sessio=b; sessions=c; session =d"));
    }

    @Test
    void doubledCookiesAllArriveInTheirOrderUpToTheLimit() {
        assertEquals(
                List.of("session=1", "former=2", "session=3"),
                cookies("cookie: session=1; former=2", "Cookie: session=3; session=4"));
    }

    @Test
    void aLongCookieIsCutToOneByteMore() {
        assertEquals(List.of("session=01234567890"), cookies("cookie: session=0123456789012345"));
    }

    @Test
    void aLoginAlsoGetsTheCookieThatBindsIt() {
        assertEquals(
                2,
                Presented.loginCookies(Request.get("/", "cookie: login=a; session=b; other=c"), SETTINGS)
                        .size());
    }

    @Test
    void headersAreAbsentEmptyJoinedOrCut() {
        RequestContext context = Presented.context(
                Request.get(
                        "/a?b",
                        "origin:",
                        "accept: text/html",
                        "accept: */*",
                        "user-agent: 0123456789012345678901234",
                        "X-CSRF-TOKEN: t"),
                SETTINGS);
        assertTrue(context.hasOrigin() && context.getOrigin().isEmpty());
        assertFalse(context.hasUpgrade() || context.hasHost());
        assertEquals("text/html, */*", context.getAccept().toStringUtf8());
        assertEquals(20, context.getUserAgent().size());
        assertEquals("t", context.getCsrfToken().toStringUtf8());
        assertEquals("/a?b", context.getTarget().toStringUtf8());
    }

    @Test
    void ofForwardedLinesTheEndArrives() {
        List<String> many = Collections.nCopies(80, "x-forwarded-for: a");
        assertEquals(
                21,
                Presented.context(Request.get("/", many.toArray(String[]::new)), SETTINGS)
                        .getXForwardedForCount());
        RequestContext context =
                Presented.context(Request.get("/", "forwarded: 0123456789", "forwarded: abcdefghijklmno"), SETTINGS);
        assertEquals("456789", context.getForwarded(0).toStringUtf8());
        assertEquals("abcdefghijklmno", context.getForwarded(1).toStringUtf8());
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.7, 192.0.2.7",
        "::ffff:192.0.2.7, 192.0.2.7",
        "2001:db8::7, 2001:db8::7",
        "[2001:db8::7], 2001:db8::7",
        "fe80::1%eth0, fe80::1",
    })
    void thePeersAddressIsPlain(String given, String expected) {
        assertEquals(expected, Presented.peerAddress(given).orElseThrow());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "unknown", "localhost", "a.example", "1.2.3.4:80:x", "%"})
    void whatIsNoAddressIsNotPassedOn(String given) {
        assertTrue(Presented.peerAddress(given).isEmpty());
    }

    @ParameterizedTest
    @CsvSource({"a, true", "A-1_b.c, true", "'', false", "a b, false", "'a,b', false"})
    void aPlainRequestIdIsKept(String id, boolean isKept) {
        String used = Presented.requestId(Request.get("/", "x-request-id: " + id));
        assertEquals(isKept, used.equals(id));
        assertTrue(used.matches("[A-Za-z0-9._-]{1,64}"), used);
    }

    @ParameterizedTest
    @CsvSource({
        "application/x-www-form-urlencoded, true",
        "Application/X-WWW-Form-UrlEncoded ; charset=utf-8, true",
        "application/x-www-form-urlencodedx, false",
        "text/plain, false",
    })
    void aFormIsKnownByItsLabel(String label, boolean isForm) {
        assertEquals(isForm, Presented.isOfKind(Request.post("/", "content-type: " + label), FORM));
        assertFalse(Presented.isOfKind(Request.post("/", "content-type: " + label, "content-type: " + label), FORM));
    }
}
