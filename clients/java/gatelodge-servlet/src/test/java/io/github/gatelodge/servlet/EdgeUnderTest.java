package io.github.gatelodge.servlet;

import io.github.gatelodge.ClientOptions;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.OptionsException;
import io.github.gatelodge.edge.Edge;
import org.eclipse.jetty.server.Server;

/** Serves the application for tests/edges. */
final class EdgeUnderTest {
    private EdgeUnderTest() {}

    public static void main(String[] arguments) throws Exception {
        String listen = System.getenv().getOrDefault("LISTEN", "127.0.0.1:8000");
        int colon = listen.lastIndexOf(':');
        String prefix = System.getenv().getOrDefault("MOUNT_PREFIX", "");
        Edge edge;
        try {
            edge = Edge.of(GatelodgeClient.create(ClientOptions.fromEnv().withCheckStream(false)), prefix);
        } catch (OptionsException wrong) {
            System.err.println(wrong.getMessage());
            System.exit(1);
            return;
        }
        Server server = Application.on(edge, listen.substring(0, colon), Integer.parseInt(listen.substring(colon + 1)));
        server.start();
        System.out.println("ready");
        server.join();
    }
}
