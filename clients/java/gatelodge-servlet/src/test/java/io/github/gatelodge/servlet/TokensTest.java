package io.github.gatelodge.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Token;
import io.github.gatelodge.TokenRequirement;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.Person;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Filters before the routes of an API. */
class TokensTest {
    private static FakeAuthority authority;
    private static Server server;

    private static final class Whose extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            Token token = Tokens.of(request).orElseThrow();
            response.getWriter()
                    .print(request.getRemoteUser() + " "
                            + token.clientId().orElse("-") + " "
                            + String.join(",", token.scopes()) + " "
                            + String.join(",", token.audiences()) + " "
                            + token.expireTime().isPresent());
        }
    }

    /** Has the authority go away between two guards, where a request says so. */
    private static final class Trouble extends HttpFilter {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            if (request.getHeader("Trouble") != null) {
                authority.away();
            }
            chain.doFilter(request, response);
            authority.back();
        }
    }

    @BeforeAll
    static void begin() throws Exception {
        authority = new FakeAuthority();
        GatelodgeClient client = authority.client();
        Gate gate = Gate.of(client);
        gate.awaitReady(Duration.ofSeconds(10));
        ServletContextHandler handler = new ServletContextHandler();
        handler.addServletContainerInitializer((classes, context) -> {
            TokenFilter.require(client).mount(context, "/api/*");
            TokenFilter.require(
                            client,
                            TokenRequirement.anyScopes("write", "admin"),
                            TokenRequirement.permissions("orders:pay"),
                            TokenRequirement.roles("clerk"),
                            TokenRequirement.emailVerified())
                    .mount(context, "/api/pay");
            TokenFilter.require(client, TokenRequirement.acrValues("2", "1"), TokenRequirement.amrValues("otp"))
                    .mount(context, "/api/strong");
            SessionFilter.require(gate).mount(context, "/both");
            context.addFilter("trouble", new Trouble())
                    .addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), true, "/both");
            TokenFilter.require(client).mount(context, "/both");
        });
        handler.addServlet(new Whose(), "/");
        server = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        server.setHandler(handler);
        server.start();
    }

    @AfterAll
    static void end() throws Exception {
        server.stop();
        authority.close();
    }

    private static Wire.Response send(String method, String path, String... lines) throws IOException {
        return Wire.send(((ServerConnector) server.getConnectors()[0]).getLocalPort(), method, path, "", lines);
    }

    private static Wire.Response get(String path, String authorization) throws IOException {
        return send("GET", path, "Authorization: " + authorization);
    }

    private static void refused(Wire.Response got, int status, String challenge) {
        assertEquals(status, got.status(), got.toString());
        assertEquals(List.of(challenge), got.all("www-authenticate"));
        assertEquals(List.of("Cookie"), got.all("vary"));
        assertEquals(List.of("no-store"), got.all("cache-control"));
    }

    @Test
    void aGoodTokenSaysWhoseItIs() throws IOException {
        var token = authority.issueToken(Person.of("google_1").withScopes("a", "b"));
        assertEquals("google_1 - a,b api true", get("/api", token.header()).body());
        assertEquals(
                "google_1 - a,b api true",
                get("/api", "bEARER \t " + token.value()).body());
        var programs = authority.issueToken("").forClient("nightly").forAudiences("x", "y");
        assertEquals("null nightly  x,y true", get("/api", programs.header()).body());
    }

    @Test
    void whatIsNoGoodTokenIsRefusedAsTheAuthoritySays() throws IOException {
        refused(send("GET", "/api"), 401, "Bearer");
        refused(get("/api", "Basic abc"), 401, "Bearer");
        refused(get("/api", "Bearer"), 401, "Bearer");
        refused(get("/api", "Bearer forged"), 401, "Bearer error=\"invalid_token\"");
        var old = authority.issueToken("google_1").expiring(Instant.now());
        refused(get("/api", old.header()), 401, "Bearer error=\"invalid_token\"");
        var ended = authority.issueToken("google_1");
        assertEquals(200, get("/api", ended.header()).status());
        ended.end();
        refused(get("/api", ended.header()), 401, "Bearer error=\"invalid_token\"");
    }

    @Test
    void ofTwoCredentialsNoneCounts() throws IOException {
        String line = "Authorization: " + authority.issueToken("google_1").header();
        refused(send("GET", "/api", line, line), 401, "Bearer");
        refused(send("GET", "/api", line, "Authorization: Bearer forged"), 401, "Bearer");
    }

    @Test
    void aTokenThatIsNotEnoughIsRefusedAndToldWhatWouldBe() throws IOException {
        Person fitting = Person.of("google_1")
                .called("Ada", "ada@example.com")
                .withScopes("admin")
                .withPermissions("orders:pay")
                .withRoles("clerk")
                .withAcr("1")
                .withAmr("pwd", "otp");
        assertEquals(
                200, get("/api/pay", authority.issueToken(fitting).header()).status());
        assertEquals(
                200, get("/api/strong", authority.issueToken(fitting).header()).status());
        String lacking = "Bearer error=\"insufficient_scope\"";
        refused(
                get("/api/pay", authority.issueToken(fitting.withScopes("read")).header()),
                403,
                lacking + ", scope=\"write admin\"");
        refused(get("/api/pay", authority.issueToken(fitting.withPermissions()).header()), 403, lacking);
        refused(get("/api/pay", authority.issueToken(fitting.withRoles("guest")).header()), 403, lacking);
        refused(
                get(
                        "/api/pay",
                        authority.issueToken(fitting.withEmailVerified(false)).header()),
                403,
                lacking);
        String weak = "Bearer error=\"insufficient_user_authentication\", acr_values=\"2 1\"";
        refused(get("/api/strong", authority.issueToken(fitting.withAcr("0")).header()), 401, weak);
        refused(get("/api/strong", authority.issueToken(fitting.withAmr("pwd")).header()), 401, weak);
    }

    @Test
    void whatAnOuterGuardDeliversGoesWithARefusalAndNotWithA503() throws IOException {
        var ada = authority.signIn(Person.of("google_1").withRenewedCookie("new"));
        Wire.Response refused = send("GET", "/both", "Cookie: " + ada.cookie());
        assertEquals(401, refused.status());
        assertEquals(1, refused.all("set-cookie").size(), refused.toString());
        Wire.Response silent = send("GET", "/both", "Cookie: " + ada.cookie(), "Trouble: yes");
        assertEquals(503, silent.status());
        assertEquals(List.of(), silent.all("set-cookie"));
    }

    @Test
    void aPreflightCarriesNoTokenAndGoesNoFurther() throws IOException {
        String[] lines = {"Origin: https://partner.example", "Access-Control-Request-Method: GET"};
        refused(send("OPTIONS", "/api", lines), 401, "Bearer");
    }

    @Test
    void anAuthorityThatCantSayLetsNobodyIn() throws IOException {
        var token = authority.issueToken("google_1");
        authority.away();
        try {
            Wire.Response got = get("/api", token.header());
            assertEquals(503, got.status());
            assertTrue(got.body().contains("AUTHORITY_UNAVAILABLE"), got.body());
            assertEquals(List.of("Cookie"), got.all("vary"));
            assertEquals(List.of(), got.all("www-authenticate"));
        } finally {
            authority.back();
        }
    }
}
