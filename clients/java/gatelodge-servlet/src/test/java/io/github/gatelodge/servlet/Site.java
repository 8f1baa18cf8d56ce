package io.github.gatelodge.servlet;

import io.github.gatelodge.edge.Edge;
import io.github.gatelodge.testing.FakeAuthority;
import java.time.Duration;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.component.LifeCycle;

/** The application on a port of its own, with a fake authority behind it. */
final class Site implements AutoCloseable {
    final FakeAuthority authority = new FakeAuthority();
    private final Edge edge = Edge.of(authority.client());
    private final Server server = Application.on(edge, "127.0.0.1", 0);

    Site() throws Exception {
        edge.gate().awaitReady(Duration.ofSeconds(5));
        server.start();
    }

    int port() {
        return ((ServerConnector) server.getConnectors()[0]).getLocalPort();
    }

    Wire.Response get(String target, String... lines) throws Exception {
        return Wire.send(port(), "GET", target, "", lines);
    }

    @Override
    public void close() {
        LifeCycle.stop(server);
        edge.close();
        authority.close();
    }
}
