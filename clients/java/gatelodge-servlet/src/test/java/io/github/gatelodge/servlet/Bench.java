package io.github.gatelodge.servlet;

import com.google.protobuf.ByteString;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Verdict;
import io.github.gatelodge.edge.Edge;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.ValidateSessionRequest;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
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
 * What a session check adds to a request: the same application's route without one, one behind a guard that asks each
 * time, the same from what is kept, and /auth/me, over a socket; and how many checks a second one core answers from
 * what is kept, by the call that applications use. The authority is in memory, but every call goes through gRPC, so the
 * difference is all that this library and gRPC cost, both ends. Prints one line of JSON, in microseconds per request.
 */
final class Bench {
    private static final int ROUNDS = 5;
    private static final int REQUESTS = 2000;
    private static final long ROUND = 500_000_000L;

    private Bench() {}

    public static void main(String[] arguments) throws Exception {
        double[] asked;
        try (FakeAuthority authority = new FakeAuthority()) {
            String cookie = authority.signIn("google_1").cookie();
            asked = microseconds(authority.client(Duration.ofSeconds(10)), cookie, "/open", "/private", "/auth/me");
        }
        double[] kept;
        long[] checks;
        try (Vouching authority = new Vouching()) {
            checks = checksPerSecond(authority.client());
            int before = authority.checks();
            kept = microseconds(authority.client(), "session=" + "x".repeat(90), "/open", "/private");
            if (authority.checks() > before + 1) {
                throw new IllegalStateException("nothing was kept: " + (authority.checks() - before) + " questions");
            }
        }
        System.out.printf(
                Locale.ROOT,
                "{\"language\":\"java\",\"plain_us\":%.1f,\"checked_us\":%.1f,\"kept_us\":%.1f,\"me_us\":%.1f,"
                        + "\"check_adds_us\":%.1f,\"kept_check_adds_us\":%.1f,\"kept_checks_per_second\":%d,"
                        + "\"kept_checks_per_cpu_second\":%d}%n",
                asked[0],
                asked[1],
                kept[1],
                asked[2],
                asked[1] - asked[0],
                kept[1] - kept[0],
                checks[0],
                checks[1]);
    }

    private static double[] microseconds(GatelodgeClient client, String cookie, String... paths) throws Exception {
        try (Edge edge = Edge.of(client)) {
            edge.gate().awaitReady(Duration.ofSeconds(10));
            Server server = Application.on(edge, "127.0.0.1", 0);
            server.start();
            int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
            HttpClient browser =
                    HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
            HttpRequest[] requests = Arrays.stream(paths)
                    .map(path -> HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                            .header("Cookie", cookie)
                            .build())
                    .toArray(HttpRequest[]::new);
            double[] took = microseconds(browser, requests);
            server.stop();
            return took;
        }
    }

    /** The time per request: the median of several rounds, after two for warmth. Requests take turns in each round. */
    private static double[] microseconds(HttpClient browser, HttpRequest... requests) throws Exception {
        double[][] rounds = new double[requests.length][ROUNDS];
        for (int round = -2; round < ROUNDS; round++) {
            for (int at = 0; at < requests.length; at++) {
                long begun = System.nanoTime();
                for (int count = 0; count < REQUESTS; count++) {
                    int status = browser.send(requests[at], BodyHandlers.discarding())
                            .statusCode();
                    if (status != 200) {
                        throw new IllegalStateException("status " + status);
                    }
                }
                if (round >= 0) {
                    rounds[at][round] = (System.nanoTime() - begun) / 1000.0 / REQUESTS;
                }
            }
        }
        return Arrays.stream(rounds)
                .mapToDouble(times -> Arrays.stream(times).sorted().toArray()[ROUNDS / 2])
                .toArray();
    }

    /**
     * By the wall's clock and by the thread's processor time, which other programs do not lengthen: the median of
     * several rounds, after two for warmth.
     */
    private static long[] checksPerSecond(GatelodgeClient client) throws Exception {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        ValidateSessionRequest question = question();
        for (int asks = 0; asks < 20; asks++) { // until the client watches, and has kept the answer
            client.sessions().check(question);
            Thread.sleep(50);
        }
        long[][] rounds = new long[2][ROUNDS];
        for (int round = -2; round < ROUNDS; round++) {
            long count = 0;
            long used = threads.getCurrentThreadCpuTime();
            long begun = System.nanoTime();
            while (System.nanoTime() - begun < ROUND) {
                for (int one = 0; one < 1000; one++) {
                    if (!(client.sessions().check(question) instanceof Verdict.Active)) {
                        throw new IllegalStateException("it is not known");
                    }
                }
                count += 1000;
            }
            if (round >= 0) {
                rounds[0][round] = count * 1_000_000_000L / (System.nanoTime() - begun);
                rounds[1][round] = count * 1_000_000_000L / (threads.getCurrentThreadCpuTime() - used);
            }
        }
        return Arrays.stream(rounds)
                .mapToLong(each -> Arrays.stream(each).sorted().toArray()[ROUNDS / 2])
                .toArray();
    }

    /** As an edge asks for a browser. */
    private static ValidateSessionRequest question() {
        RequestContext.Builder context = RequestContext.newBuilder()
                .setMethod(ByteString.copyFromUtf8("GET"))
                .setTarget(ByteString.copyFromUtf8("/private?a=b"))
                .setHost(ByteString.copyFromUtf8("app.example.com"))
                .setPeerAddress(ByteString.copyFromUtf8("192.0.2.7"))
                .setUserAgent(
                        ByteString.copyFromUtf8("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0"))
                .setAcceptLanguage(ByteString.copyFromUtf8("en-GB,en;q=0.9"))
                .setAccept(ByteString.copyFromUtf8("text/html,application/xhtml+xml,*/*;q=0.8"))
                .setSecFetchSite(ByteString.copyFromUtf8("same-origin"))
                .setSecFetchMode(ByteString.copyFromUtf8("navigate"))
                .setSecFetchDest(ByteString.copyFromUtf8("document"));
        return ValidateSessionRequest.newBuilder()
                .addCookies(Cookie.newBuilder().setName("session").setValue(ByteString.copyFromUtf8("x".repeat(90))))
                .setContext(context)
                .setCanSetCookies(true)
                .build();
    }
}
