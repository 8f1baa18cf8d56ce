package io.github.gatelodge.servlet;

import io.github.gatelodge.Requirement;
import io.github.gatelodge.Session;
import io.github.gatelodge.Token;
import io.github.gatelodge.TokenRequirement;
import io.github.gatelodge.edge.Edge;
import io.github.gatelodge.edge.Gate;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.stream.Stream;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.http.BadMessageException;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** The small application that every language's edge is tested in: tests/edges says which routes it has. */
final class Application {
    private Application() {}

    /** A server of the application with the edge's routes. */
    static Server on(Edge edge, String host, int port) {
        HttpConfiguration http = new HttpConfiguration();
        http.setRequestHeaderSize(16 << 10);
        http.setSendServerVersion(false);
        http.addCustomizer((request, headers) -> {
            // Jetty reads a query as UTF-8. Where it could not, this server takes none, as Tomcat does.
            String query = request.getHttpURI().getQuery();
            if (query != null && query.indexOf('\uFFFD') >= 0) {
                throw new BadMessageException("a query that is not UTF-8");
            }
            return request;
        });
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server, new HttpConnectionFactory(http));
        connector.setHost(host);
        connector.setPort(port);
        server.addConnector(connector);
        server.setHandler(handler(edge));
        return server;
    }

    private static ServletContextHandler handler(Edge edge) {
        ServletContextHandler handler = new ServletContextHandler();
        Gate gate = edge.gate();
        handler.addServletContainerInitializer((classes, context) -> {
            EdgeFilter.mount(context, edge);
            SessionFilter.sessions(gate).mount(context, "/optional");
            SessionFilter.require(gate).mount(context, "/private", "/any");
            SessionFilter.require(gate, Requirement.scopes("admin")).mount(context, "/scoped");
            SessionFilter.require(gate, Requirement.maxLoginAge(Duration.ofSeconds(1)))
                    .mount(context, "/fresh");
            SessionFilter.require(gate, Requirement.roles("clerk")).mount(context, "/role");
            SessionFilter.require(gate, Requirement.permissions("orders.pay")).mount(context, "/permitted");
            SessionFilter.require(gate, Requirement.emailVerified()).mount(context, "/verified");
            SessionFilter.require(gate, Requirement.acrValues("2")).mount(context, "/strong");
            SessionFilter.require(gate, Requirement.amrValues("otp")).mount(context, "/two-factor");
            SessionFilter.require(gate).mount(context, "/both", "/twice");
            TokenFilter.require(gate.client()).mount(context, "/both");
            SessionFilter.require(gate, Requirement.scopes("admin")).mount(context, "/twice");
            TokenFilter.require(gate.client(), TokenRequirement.audience("orders"))
                    .mount(context, "/api/orders");
            TokenFilter.require(gate.client(), TokenRequirement.acrValues("2")).mount(context, "/api/strong");
            TokenFilter.require(gate.client()).mount(context, "/api");
            TokenFilter.require(gate.client(), TokenRequirement.scopes("admin")).mount(context, "/api/scoped");
        });
        handler.addServlet(new Nothing(), "/");
        handler.addServlet(new Anything(), "/any");
        for (String path : new String[] {"/api", "/api/scoped", "/api/orders", "/api/strong"}) {
            handler.addServlet(new Api(), path);
        }
        handler.addServlet(new Open(), "/open");
        Stream.of("/optional", "/private", "/scoped", "/fresh", "/role", "/permitted", "/verified", "/strong")
                .forEach(path -> handler.addServlet(new Whoever(), path));
        Stream.of("/two-factor", "/both", "/twice").forEach(path -> handler.addServlet(new Whoever(), path));
        return handler;
    }

    private static final class Open extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.getOutputStream().print("open");
        }
    }

    /** Jetty's own answers OPTIONS on unknown paths with 200. */
    private static final class Nothing extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.sendError(HttpServletResponse.SC_NOT_FOUND);
        }
    }

    /** Answers with the id of whoever is logged in, or null. */
    private static class Whoever extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String id = Sessions.of(request)
                    .map(Session::userId)
                    .map(user -> '"' + user + '"')
                    .orElse("null");
            response.setContentType("application/json");
            response.getOutputStream().print("{\"user_id\": " + id + "}");
        }

        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
            doGet(request, response);
        }
    }

    /** As {@link Whoever}, whatever the method. */
    private static final class Anything extends Whoever {
        private static final long serialVersionUID = 1L;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            doGet(request, response);
        }
    }

    /** Answers with the id of whose token it is, or null for a program's, whatever the method. */
    private static final class Api extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String id = Tokens.of(request)
                    .flatMap(Token::userId)
                    .map(user -> '"' + user + '"')
                    .orElse("null");
            response.setContentType("application/json");
            response.getOutputStream().print("{\"user_id\": " + id + "}");
        }
    }
}
