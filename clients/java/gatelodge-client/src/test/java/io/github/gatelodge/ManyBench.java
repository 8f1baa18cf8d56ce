package io.github.gatelodge;

import com.google.protobuf.ByteString;
import com.sun.management.OperatingSystemMXBean;
import io.github.gatelodge.v1.CheckSessionsRequest;
import io.github.gatelodge.v1.CheckSessionsResponse;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.SessionServiceGrpc.SessionServiceImplBase;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What one of many checks at once costs this process, as calls and by a stream: one line of JSON, with wall time and
 * CPU time, in microseconds. The authority is a stub in a process of its own.
 */
final class ManyBench {
    private static final int AT_ONCE = 64;
    private static final int CHECKS = 10_000;
    private static final int ROUNDS = 5;

    private ManyBench() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) {
            Server server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .addService(new Yes())
                    .intercept(new OpensAtOnce())
                    .build()
                    .start();
            System.out.println(server.getPort());
            server.awaitTermination();
            return;
        }
        Process authority = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ManyBench.class.getName(),
                        "authority")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        ExecutorService crowd = Executors.newFixedThreadPool(AT_ONCE);
        try (BufferedReader said =
                new BufferedReader(new InputStreamReader(authority.getInputStream(), StandardCharsets.UTF_8))) {
            ClientOptions options = ClientOptions.of("http://127.0.0.1:" + said.readLine(), "k")
                    .withKeepAnswers(0)
                    .withTimeout(java.time.Duration.ofSeconds(20));
            try (GatelodgeClient calls = GatelodgeClient.create(options.withCheckStream(false));
                    GatelodgeClient shares = GatelodgeClient.create(options)) {
                double[][] byCall = new double[2][ROUNDS];
                double[][] byStream = new double[2][ROUNDS];
                for (int round = -2; round < ROUNDS; round++) { // two for warmth
                    measure(crowd, calls, byCall, round);
                    measure(crowd, shares, byStream, round);
                }
                System.out.printf(
                        Locale.ROOT,
                        "{\"bench\":\"many\",\"language\":\"java\",\"at_once\":%d,\"call_us\":%.1f,\"call_cpu_us\":%.1f,"
                                + "\"stream_us\":%.1f,\"stream_cpu_us\":%.1f}%n",
                        AT_ONCE,
                        median(byCall[0]),
                        median(byCall[1]),
                        median(byStream[0]),
                        median(byStream[1]));
            }
        } finally {
            crowd.shutdownNow();
            authority.destroyForcibly().waitFor();
        }
    }

    private static void measure(ExecutorService crowd, GatelodgeClient client, double[][] found, int round)
            throws Exception {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long begun = System.nanoTime();
        long used = system.getProcessCpuTime();
        AtomicInteger left = new AtomicInteger(CHECKS);
        List<Future<?>> asking = new ArrayList<>();
        for (int one = 0; one < AT_ONCE; one++) {
            Cookie cookie = Cookie.newBuilder()
                    .setName("session")
                    .setValue(ByteString.copyFromUtf8(one + "x".repeat(90)))
                    .build();
            ValidateSessionRequest question =
                    ValidateSessionRequest.newBuilder().addCookies(cookie).build();
            asking.add(crowd.submit(() -> {
                while (left.decrementAndGet() >= 0) {
                    client.sessions().validateSession(question);
                }
            }));
        }
        for (Future<?> one : asking) {
            one.get();
        }
        if (round >= 0) {
            found[0][round] = (System.nanoTime() - begun) / 1000.0 / CHECKS;
            found[1][round] = (system.getProcessCpuTime() - used) / 1000.0 / CHECKS;
        }
    }

    private static double median(double[] rounds) {
        Arrays.sort(rounds);
        return rounds[rounds.length / 2];
    }

    private static final class Yes extends SessionServiceImplBase {
        private static final ValidateSessionResponse ANSWER = answer();

        private static ValidateSessionResponse answer() {
            ValidateSessionResponse.Builder answer = ValidateSessionResponse.newBuilder();
            answer.getActiveBuilder()
                    .getIdentityBuilder()
                    .setUserId("google_1234567890")
                    .setProvider("google")
                    .setIssuer("https://accounts.google.com")
                    .setEmail("ada@example.com");
            answer.getActiveBuilder().getSessionBuilder().setSessionId("sid_abcdefghijklmnopqrstuvwx");
            return answer.build();
        }

        @Override
        public void validateSession(ValidateSessionRequest question, StreamObserver<ValidateSessionResponse> to) {
            to.onNext(ANSWER);
            to.onCompleted();
        }

        @Override
        public StreamObserver<CheckSessionsRequest> checkSessions(StreamObserver<CheckSessionsResponse> to) {
            return new StreamObserver<>() {
                @Override
                public void onNext(CheckSessionsRequest question) {
                    to.onNext(CheckSessionsResponse.newBuilder()
                            .setId(question.getId())
                            .setAnswer(ANSWER)
                            .build());
                }

                @Override
                public void onError(Throwable gone) {}

                @Override
                public void onCompleted() {
                    to.onCompleted();
                }
            };
        }
    }

    /** Says at once that a stream is open, as the authority does. */
    static final class OpensAtOnce implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            if (call.getMethodDescriptor().getType().clientSendsOneMessage()) {
                return next.startCall(call, headers);
            }
            call.sendHeaders(new Metadata());
            return next.startCall(
                    new io.grpc.ForwardingServerCall.SimpleForwardingServerCall<>(call) {
                        @Override
                        public void sendHeaders(Metadata again) {}
                    },
                    headers);
        }
    }
}
