package io.github.gatelodge.servlet;

import io.github.gatelodge.edge.Edge;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.SignedIn;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * What a session check adds to a request: the same application's route without one, one behind a guard, and /auth/me,
 * over a socket. The authority is in memory, but every call goes through gRPC, so the difference is all that this
 * library and gRPC cost, both ends. Prints one line of JSON, in microseconds per request.
 */
final class Bench {
    private static final int ROUNDS = 7;
    private static final int REQUESTS = 3000;

    private Bench() {}

    public static void main(String[] arguments) throws Exception {
        try (FakeAuthority authority = new FakeAuthority();
                Edge edge = Edge.of(authority.client(Duration.ofSeconds(10)))) {
            edge.gate().awaitReady(Duration.ofSeconds(10));
            Server server = Application.on(edge, "127.0.0.1", 0);
            server.start();
            int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
            SignedIn ada = authority.signIn("google_1");
            HttpClient browser =
                    HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
            double[] took = new double[3];
            String[] paths = {"/open", "/private", "/auth/me"};
            for (int at = 0; at < paths.length; at++) {
                HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + paths[at]))
                        .header("Cookie", ada.cookie())
                        .build();
                took[at] = microseconds(browser, request);
            }
            System.out.printf(
                    Locale.ROOT,
                    "{\"language\":\"java\",\"plain_us\":%.1f,\"checked_us\":%.1f,\"me_us\":%.1f,"
                            + "\"check_adds_us\":%.1f,\"kept_checks_per_second\":%s}%n",
                    took[0],
                    took[1],
                    took[2],
                    took[1] - took[0],
                    System.getProperty("kept"));
            server.stop();
        }
    }

    /** The time per request: the median of several rounds, after one that counts for nothing. */
    private static double microseconds(HttpClient browser, HttpRequest request) throws Exception {
        double[] rounds = new double[ROUNDS];
        for (int round = -1; round < ROUNDS; round++) {
            long begun = System.nanoTime();
            for (int count = 0; count < REQUESTS; count++) {
                int status = browser.send(request, BodyHandlers.discarding()).statusCode();
                if (status != 200) {
                    throw new IllegalStateException("status " + status);
                }
            }
            if (round >= 0) {
                rounds[round] = (System.nanoTime() - begun) / 1000.0 / REQUESTS;
            }
        }
        Arrays.sort(rounds);
        return rounds[ROUNDS / 2];
    }
}
