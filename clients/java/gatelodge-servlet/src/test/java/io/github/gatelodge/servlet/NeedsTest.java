package io.github.gatelodge.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a filter may need of whoever is signed in. */
class NeedsTest {
    private static final Map<String, Requirement> NEEDS = new LinkedHashMap<>();

    static {
        NEEDS.put("/scopes", Requirement.scopes("read", "write"));
        NEEDS.put("/any-scopes", Requirement.anyScopes("write", "admin"));
        NEEDS.put("/permissions", Requirement.permissions("orders:pay"));
        NEEDS.put("/any-permissions", Requirement.anyPermissions("orders:pay", "orders:see"));
        NEEDS.put("/roles", Requirement.roles("clerk"));
        NEEDS.put("/email", Requirement.emailVerified());
        NEEDS.put("/acr", Requirement.acrValues("2", "1"));
        NEEDS.put("/amr", Requirement.amrValues("pwd", "otp"));
    }

    private static FakeAuthority authority;
    private static Server server;

    private static final class Own extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.getWriter().print(request.getRemoteUser());
        }
    }

    @BeforeAll
    static void begin() throws Exception {
        authority = new FakeAuthority();
        Gate gate = Gate.of(authority.client());
        gate.awaitReady(Duration.ofSeconds(5));
        ServletContextHandler handler = new ServletContextHandler();
        handler.addServletContainerInitializer((classes, context) ->
                NEEDS.forEach((path, need) -> SessionFilter.require(gate, need).mount(context, path)));
        handler.addServlet(new Own(), "/");
        server = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        server.setHandler(handler);
        server.start();
    }

    @AfterAll
    static void end() throws Exception {
        server.stop();
        authority.close();
    }

    private static Wire.Response get(String path, Person person, String... lines) throws IOException {
        int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
        String cookie = "Cookie: " + authority.signIn(person).cookie();
        return Wire.send(
                port,
                "GET",
                path,
                "",
                Stream.concat(Stream.of(cookie), Stream.of(lines)).toArray(String[]::new));
    }

    private static Person fitting() {
        return Person.of("google_1")
                .called("Ada", "ada@example.com")
                .withScopes("read", "write")
                .withPermissions("orders:pay")
                .withRoles("clerk", "guest")
                .withAcr("1")
                .withAmr("otp", "pwd");
    }

    /** Where somebody lacks what, why, in which words, and which login helps. */
    static Stream<Arguments> everybodyWhoLacksSomething() {
        return Stream.of(
                lacking("/scopes", who -> who.withScopes("read"), "scope_missing", "Missing scope: write", ""),
                lacking("/any-scopes", who -> who.withScopes(), "scope_missing", "Missing scope: write admin", ""),
                lacking(
                        "/permissions",
                        who -> who.withPermissions(),
                        "permission_missing",
                        "Missing permission: orders:pay",
                        ""),
                lacking(
                        "/any-permissions",
                        who -> who.withPermissions("other"),
                        "permission_missing",
                        "Missing permission: orders:pay orders:see",
                        ""),
                lacking("/roles", who -> who.withRoles("guest"), "role_missing", "Missing role: clerk", ""),
                lacking(
                        "/email",
                        who -> who.withEmailVerified(false),
                        "email_not_verified",
                        "A verified email address is needed",
                        ""),
                lacking(
                        "/acr",
                        who -> who.withAcr("0"),
                        "acr_missing",
                        "A stronger login is needed",
                        "/auth/web/login?provider=fake&acr_values=2+1"),
                lacking(
                        "/amr",
                        who -> who.withAmr("pwd"),
                        "amr_missing",
                        "A login is needed that uses otp",
                        "/auth/web/login?provider=fake&prompt=login"));
    }

    private static Arguments lacking(
            String path, UnaryOperator<Person> without, String reason, String detail, String login) {
        return arguments(path, without, reason, detail, login);
    }

    @ParameterizedTest
    @MethodSource("everybodyWhoLacksSomething")
    void whoeverLacksWhatIsNeededIsKeptOutAndToldWhy(
            String path, UnaryOperator<Person> without, String reason, String detail, String login) throws IOException {
        assertEquals("google_1", get(path, fitting()).body());
        Wire.Response refused = get(path, without.apply(fitting()));
        JsonNode body = new ObjectMapper().readTree(refused.body());
        assertEquals(403, refused.status());
        assertEquals(
                List.of(reason, detail, login),
                List.of(
                        body.path("reason").asText(),
                        body.path("detail").asText(),
                        body.path("login_path").asText()));
    }

    @Test
    void aPagesWayToWhatNeedsAnotherLoginLeadsThroughThatLogin() throws IOException {
        Wire.Response sent = get("/acr", fitting().withAcr("0"), "Accept: text/html");
        assertEquals(List.of("/auth/web/login?provider=fake&acr_values=2+1&redirect_uri=%2Facr"), sent.all("location"));
    }
}
