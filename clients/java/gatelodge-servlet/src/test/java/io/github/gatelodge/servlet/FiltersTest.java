package io.github.gatelodge.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.gatelodge.Requirement;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.Person;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FiltersTest {
    private FakeAuthority authority;
    private Server server;

    /** Sets caching headers of its own, as many an application does. */
    private static final class Careless extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setHeader("Set-Cookie", "own=1");
            response.setHeader("X-CSRF-Token", "own");
            response.setHeader("Cache-Control", "public, max-age=60");
            switch (request.getPathInfo()) {
                case "/error" -> response.sendError(418);
                case "/redirect" -> response.sendRedirect("/elsewhere");
                case "/async" -> {
                    var context = request.startAsync();
                    context.start(() -> {
                        try {
                            context.getResponse().getWriter().print("later");
                        } catch (IOException gone) {
                            throw new AssertionError(gone);
                        } finally {
                            context.complete();
                        }
                    });
                }
                default -> {
                    response.getWriter().print(request.getRemoteUser());
                    response.setHeader("Cache-Control", "public");
                }
            }
        }
    }

    @BeforeEach
    void begin() throws Exception {
        authority = new FakeAuthority();
        Gate gate = Gate.of(authority.client());
        gate.awaitReady(Duration.ofSeconds(5));
        ServletContextHandler handler = new ServletContextHandler();
        handler.addServletContainerInitializer((classes, context) -> {
            SessionFilter.sessions(gate).mount(context, "/*");
            SessionFilter.require(gate, Requirement.scopes("admin")).mount(context, "/admin/*");
        });
        handler.addServlet(new Careless(), "/*").setAsyncSupported(true);
        server = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        server.setHandler(handler);
        server.start();
    }

    @AfterEach
    void end() throws Exception {
        server.stop();
        authority.close();
    }

    private Wire.Response get(String path, String... lines) throws IOException {
        return Wire.send(((ServerConnector) server.getConnectors()[0]).getLocalPort(), "GET", path, "", lines);
    }

    @Test
    void aRenewedCookieIsDeliveredAndKeptByNoCacheWhateverTheApplicationSets() throws IOException {
        var ada = authority.signIn(Person.of("google_1").withCookie("old").withRenewedCookie("new"));
        for (String path : List.of("/", "/error", "/redirect", "/async")) {
            Wire.Response got = get(path, "Cookie: " + ada.cookie());
            assertTrue(
                    got.all("set-cookie").stream().anyMatch(cookie -> cookie.startsWith("session=new;")), path + got);
            assertEquals(List.of(ada.csrfToken()), got.all("x-csrf-token"), path + got);
            List<String> caching = got.all("cache-control");
            assertTrue(caching.stream().anyMatch(value -> value.contains("no-store")), path + got);
            assertTrue(caching.stream().noneMatch(value -> value.contains("public")), path + got);
        }
    }

    @Test
    void theRemoteUserIsThatOfTheSession() throws IOException {
        assertEquals(
                "google_1",
                get("/", "Cookie: " + authority.signIn("google_1").cookie()).body());
        assertEquals("null", get("/").body());
    }

    @Test
    void anInnerFilterKeepsOutWhoLacksAScope() throws IOException {
        var ada = authority.signIn(Person.of("google_1").withScopes("admin"));
        assertEquals(200, get("/admin/x", "Cookie: " + ada.cookie()).status());
        assertEquals(
                403,
                get("/admin/x", "Cookie: " + authority.signIn("google_2").cookie())
                        .status());
        assertEquals(401, get("/admin/x").status());
    }

    @Test
    void whenTheAuthorityIsAwayNobodyIsLoggedOut() throws IOException {
        var ada = authority.signIn("google_1");
        authority.away();
        Wire.Response got = get("/", "Cookie: " + ada.cookie());
        assertEquals(503, got.status());
        assertEquals(List.of(), got.all("set-cookie"));
        authority.back();
        assertEquals(200, get("/", "Cookie: " + ada.cookie()).status());
    }

    @Test
    void theFakeKnowsNoProviderWhoseLogoutWouldCount() throws Exception {
        try (Site site = new Site()) {
            String cookie = "Cookie: " + site.authority.signIn("google_1").cookie();
            Wire.Response back = Wire.send(
                    site.port(),
                    "POST",
                    "/auth/web/backchannel-logout",
                    "logout_token=x",
                    "Content-Type: application/x-www-form-urlencoded");
            assertEquals(400, back.status());
            assertTrue(back.body().contains("\"logout_token_rejected\""), back.body());
            Wire.Response front = site.get("/auth/web/frontchannel-logout?iss=x&sid=y", cookie);
            assertEquals(400, front.status());
            assertTrue(front.body().contains("\"provider_unknown\""), front.body());
            assertEquals(List.of(), front.all("set-cookie"));
            assertEquals(200, site.get("/private", cookie).status());
        }
    }
}
