package io.github.gatelodge.servlet;

import com.google.protobuf.ByteString;
import io.github.gatelodge.ClientOptions;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Verdict;
import io.github.gatelodge.edge.Edge;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * What session checks cost, as one line of JSON, in microseconds: how many a second one core answers from what is kept,
 * by the call that applications use; what one costs that is asked of a real authority over loopback, as a call and by
 * the stream that many share; and what a check adds to a request of the same application over a socket.
 *
 * <p>It fails below a fifth of what is asked of this package, so that a machine with other work passes and a check that
 * got slow does not.
 */
final class Bench {
    private static final long FLOOR = 1_000_000 / 5;
    private static final int ROUNDS = 5;
    private static final int REQUESTS = 1000;
    private static final int CHECKS = 4000;
    private static final long ROUND = 500_000_000L;
    private static final int SIGNED_IN = 100;

    private Bench() {}

    public static void main(String[] arguments) throws Exception {
        long[] kept = keptPerSecond();
        StringBuilder line = new StringBuilder();
        line.append(String.format(
                Locale.ROOT,
                "{\"bench\":\"java\",\"kept_checks\":{\"per_second\":%d,\"per_cpu_second\":%d,\"floor\":%d}",
                kept[0],
                kept[1],
                FLOOR));
        try (Dev dev = new Dev()) {
            String cookie = dev.logIn();
            ClientOptions options = dev.options();
            ClientOptions asked = options.withKeepAnswers(0).withTimeout(Duration.ofSeconds(20));
            line.append(",\"checks\":{\"unit\":\"us per check\",\"calls\":")
                    .append(checks(asked.withCheckStream(false), cookie))
                    .append(",\"stream\":")
                    .append(checks(asked, cookie))
                    .append("},\"edge\":{\"unit\":\"us per request\",\"kept\":")
                    .append(requests(options, cookie))
                    .append(",\"asked\":")
                    .append(requests(asked, cookie))
                    .append("}}");
        }
        System.out.println(line);
        if (kept[1] < FLOOR) {
            System.err.println("only " + kept[1] + " kept checks a second of processor time: " + FLOOR + " at least");
            System.exit(1);
        }
    }

    /** What one check costs, alone and where many are under way. */
    private static String checks(ClientOptions options, String cookie) throws Exception {
        try (GatelodgeClient client = GatelodgeClient.create(options)) {
            return "{\"64 at once\":" + checks(client, cookie, 64).json() + ",\"1 at once\":"
                    + checks(client, cookie, 1).json() + "}";
        }
    }

    private static Spent checks(GatelodgeClient client, String cookie, int atOnce) throws Exception {
        ValidateSessionRequest question =
                ValidateSessionRequest.newBuilder().addCookies(named(cookie)).build();
        int many = atOnce == 1 ? CHECKS / 8 : CHECKS;
        ExecutorService crowd = Executors.newFixedThreadPool(atOnce);
        try {
            return measured(many, () -> {
                AtomicInteger left = new AtomicInteger(many);
                List<Future<?>> asking = new ArrayList<>();
                for (int one = 0; one < atOnce; one++) {
                    asking.add(crowd.submit(() -> {
                        while (left.decrementAndGet() >= 0) {
                            known(client, question);
                        }
                    }));
                }
                for (Future<?> one : asking) {
                    one.get();
                }
            });
        } finally {
            crowd.shutdownNow();
        }
    }

    /** What a request costs without a check and with one, and /auth/me. */
    private static String requests(ClientOptions options, String cookie) throws Exception {
        try (GatelodgeClient client = GatelodgeClient.create(options);
                Edge edge = Edge.of(client)) {
            edge.gate().awaitReady(Duration.ofSeconds(10));
            Server server = Application.on(edge, "127.0.0.1", 0);
            server.start();
            int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
            HttpClient browser =
                    HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
            List<List<Spent>> took = List.of(new ArrayList<>(), new ArrayList<>());
            for (int round = -2; round < ROUNDS; round++) { // by turns, and two for warmth
                for (int at = 0; at < took.size(); at++) {
                    HttpRequest request = HttpRequest.newBuilder(
                                    URI.create("http://127.0.0.1:" + port + (at == 0 ? "/open" : "/private")))
                            .header("Cookie", "session=" + cookie)
                            .build();
                    Spent spent = Spent.on(REQUESTS, () -> ask(browser, request));
                    if (round >= 0) {
                        took.get(at).add(spent);
                    }
                }
            }
            server.stop();
            Spent without = Spent.median(took.get(0));
            Spent with = Spent.median(took.get(1));
            return "{\"without\":" + without.json() + ",\"with\":" + with.json() + ",\"added\":"
                    + with.minus(without).json() + "}";
        }
    }

    private static void ask(HttpClient browser, HttpRequest request) throws Exception {
        for (int count = 0; count < REQUESTS; count++) {
            int status = browser.send(request, BodyHandlers.discarding()).statusCode();
            if (status != 200) {
                throw new IllegalStateException(request.uri() + ": " + status);
            }
        }
    }

    private static Spent measured(int many, Spent.Work work) throws Exception {
        List<Spent> rounds = new ArrayList<>();
        for (int round = -2; round < ROUNDS; round++) { // two for warmth
            Spent spent = Spent.on(many, work);
            if (round >= 0) {
                rounds.add(spent);
            }
        }
        return Spent.median(rounds);
    }

    /**
     * By the wall's clock and by the thread's processor time, which other programs do not lengthen: the median of
     * several rounds, after two for warmth. Those who are signed in take turns.
     */
    private static long[] keptPerSecond() throws Exception {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        ValidateSessionRequest[] questions =
                IntStream.range(0, SIGNED_IN).mapToObj(Bench::question).toArray(ValidateSessionRequest[]::new);
        long[][] rounds = new long[2][ROUNDS];
        try (Vouching authority = new Vouching()) {
            GatelodgeClient client = authority.client();
            int before = -1;
            while (before != authority.checks()) { // until it watches, and keeps all
                before = authority.checks();
                Thread.sleep(100);
                for (ValidateSessionRequest question : questions) {
                    known(client, question);
                }
            }
            for (int round = -2; round < ROUNDS; round++) {
                long count = 0;
                long used = threads.getCurrentThreadCpuTime();
                long begun = System.nanoTime();
                while (System.nanoTime() - begun < ROUND) {
                    for (ValidateSessionRequest question : questions) {
                        known(client, question);
                    }
                    count += SIGNED_IN;
                }
                if (round >= 0) {
                    rounds[0][round] = count * 1_000_000_000L / (System.nanoTime() - begun);
                    rounds[1][round] = count * 1_000_000_000L / (threads.getCurrentThreadCpuTime() - used);
                }
            }
            if (authority.checks() > 2 * before) {
                throw new IllegalStateException("little was kept: " + authority.checks() + " questions");
            }
        }
        return Arrays.stream(rounds)
                .mapToLong(each -> Arrays.stream(each).sorted().toArray()[ROUNDS / 2])
                .toArray();
    }

    private static void known(GatelodgeClient client, ValidateSessionRequest question) {
        if (!(client.sessions().check(question) instanceof Verdict.Active)) {
            throw new IllegalStateException("nobody is known");
        }
    }

    private static Cookie named(String value) {
        return Cookie.newBuilder()
                .setName("session")
                .setValue(ByteString.copyFromUtf8(value))
                .build();
    }

    /** As an edge asks for a browser. */
    private static ValidateSessionRequest question(int who) {
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
                .addCookies(named(who + "x".repeat(88)))
                .setContext(context)
                .setCanSetCookies(true)
                .build();
    }
}
