package io.github.gatelodge;

import static io.github.gatelodge.ScriptedAuthority.failure;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.github.gatelodge.error.DeadlineExceededException;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.error.InvalidFieldException;
import io.github.gatelodge.error.StreamEndedException;
import io.github.gatelodge.v1.CheckError;
import io.github.gatelodge.v1.CheckFieldViolation;
import io.github.gatelodge.v1.CheckSessionsRequest;
import io.github.gatelodge.v1.CheckSessionsResponse;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.SessionServiceGrpc.SessionServiceImplBase;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Many who ask at once, of an authority that answers calls and opens streams when a test lets it. */
class ChecksTest extends SessionServiceImplBase {
    private final ExecutorService crowd = Executors.newCachedThreadPool();
    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicInteger streams = new AtomicInteger();
    private final List<CheckSessionsRequest> asked = Collections.synchronizedList(new ArrayList<>());
    private volatile CountDownLatch mayAnswer = new CountDownLatch(0);
    private volatile BiConsumer<CheckSessionsRequest, StreamObserver<CheckSessionsResponse>> answers =
            (question, to) -> to.onNext(CheckSessionsResponse.newBuilder()
                    .setId(question.getId())
                    .setAnswer(ValidateSessionResponse.newBuilder().setSettingsVersion("by stream"))
                    .build());
    private Server server;
    private ManagedChannel channel;
    private GatelodgeClient client;

    @BeforeEach
    void begin() throws Exception {
        String name = InProcessServerBuilder.generateName();
        server = InProcessServerBuilder.forName(name)
                .addService(this)
                .intercept(new OpensAtOnce())
                .build()
                .start();
        channel = InProcessChannelBuilder.forName(name).build();
        client = GatelodgeClient.create(options());
    }

    private ClientOptions options() {
        return ClientOptions.of("", "k").withChannel(channel).withKeepAnswers(0);
    }

    @AfterEach
    void end() {
        mayAnswer.countDown();
        client.close();
        channel.shutdownNow();
        server.shutdownNow();
        crowd.shutdownNow();
    }

    @Override
    public void validateSession(ValidateSessionRequest question, StreamObserver<ValidateSessionResponse> to) {
        calls.incrementAndGet();
        await(mayAnswer);
        to.onNext(ValidateSessionResponse.newBuilder()
                .setSettingsVersion("by call")
                .build());
        to.onCompleted();
    }

    @Override
    public StreamObserver<CheckSessionsRequest> checkSessions(StreamObserver<CheckSessionsResponse> to) {
        streams.incrementAndGet();
        return new StreamObserver<>() {
            @Override
            public void onNext(CheckSessionsRequest question) {
                asked.add(question);
                answers.accept(question, to);
            }

            @Override
            public void onError(Throwable gone) {}

            @Override
            public void onCompleted() {
                to.onCompleted();
            }
        };
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(10, TimeUnit.SECONDS));
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    private static void until(BooleanSupplier holds) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!holds.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "it never held");
            Thread.sleep(2);
        }
    }

    private static ValidateSessionRequest question() {
        Cookie cookie = Cookie.newBuilder()
                .setName("session")
                .setValue(ByteString.copyFromUtf8("a"))
                .build();
        return ValidateSessionRequest.newBuilder().addCookies(cookie).build();
    }

    private String ask(GatelodgeClient of) {
        return of.sessions().validateSession(question()).getSettingsVersion();
    }

    /** Lets so many ask at once, each of whom has to be under way before the first is answered. */
    private void askAtOnce(GatelodgeClient of, int many) throws Exception {
        int before = calls.get() + asked.size();
        mayAnswer = new CountDownLatch(1);
        List<Future<String>> asking = new ArrayList<>();
        for (int one = 0; one < many; one++) {
            asking.add(crowd.submit(() -> ask(of)));
        }
        until(() -> calls.get() + asked.size() >= before + many);
        mayAnswer.countDown();
        for (Future<String> one : asking) {
            one.get(10, TimeUnit.SECONDS);
        }
    }

    private void share() throws Exception {
        GatelodgeClient patient = client.withTimeout(Duration.ofSeconds(10));
        askAtOnce(patient, Checks.ENOUGH);
        until(() -> ask(client).equals("by stream"));
    }

    @Test
    void whereManyAskAtOnceTheyShareAStream() throws Exception {
        askAtOnce(client, Checks.ENOUGH - 1);
        assertEquals("by call", ask(client));
        assertEquals(0, streams.get());
        share();
        int before = calls.get();
        asked.clear();
        assertEquals("by stream", ask(client.forRequest("req-1")));
        CheckSessionsRequest one = asked.get(0);
        assertEquals("req-1", one.getRequestId());
        assertEquals(question(), one.getQuestion());
        assertTrue(one.getTimeout().getSeconds() <= 2);
        List<Future<String>> asking = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            asking.add(crowd.submit(() -> ask(client)));
        }
        for (Future<String> answer : asking) {
            assertEquals("by stream", answer.get(10, TimeUnit.SECONDS));
        }
        assertEquals(
                101, asked.stream().map(CheckSessionsRequest::getId).distinct().count());
        assertEquals(before, calls.get());
        assertEquals(1, streams.get());
    }

    @Test
    void anErrorOnAStreamIsThatOfACall() throws Exception {
        share();
        answers = (question, to) -> to.onNext(CheckSessionsResponse.newBuilder()
                .setId(question.getId())
                .setError(CheckError.newBuilder()
                        .setCode(Status.Code.INVALID_ARGUMENT.value())
                        .setReason("INVALID_FIELD")
                        .setMessage("no")
                        .setRequestId("req-7")
                        .addFieldViolations(CheckFieldViolation.newBuilder().setField("cookies")))
                .build());
        InvalidFieldException failed = assertThrows(InvalidFieldException.class, () -> ask(client));
        assertEquals("req-7", failed.requestId().orElseThrow());
        assertEquals("cookies", failed.fieldViolations().get(0).field());
        asked.clear();
        answers = (question, to) -> {
            CheckSessionsResponse.Builder said =
                    CheckSessionsResponse.newBuilder().setId(question.getId());
            if (asked.size() == 1) { // it is repeated as a call is
                said.setError(CheckError.newBuilder()
                        .setCode(Status.Code.UNAVAILABLE.value())
                        .setReason("STORE_UNAVAILABLE"));
            } else {
                said.setAnswer(ValidateSessionResponse.newBuilder().setSettingsVersion("by stream"));
            }
            to.onNext(said.build());
        };
        assertEquals("by stream", ask(client));
        assertEquals(2, asked.size());
    }

    @Test
    void aStreamThatEndsLosesNothing() throws Exception {
        share();
        int before = calls.get();
        answers = (question, to) -> to.onError(Status.UNAVAILABLE.asRuntimeException());
        assertEquals("by call", ask(client));
        assertEquals(before + 1, calls.get());
        askAtOnce(client, Checks.ENOUGH);
        assertEquals(1, streams.get(), "it rests for a second");
        Thread.sleep(1600);
        askAtOnce(client, Checks.ENOUGH);
        until(() -> streams.get() == 2);
    }

    @Test
    void anAuthorityThatHasNoSuchStreamIsLeftAlone() throws Exception {
        share();
        answers = (question, to) -> to.onError(Status.UNIMPLEMENTED.asRuntimeException());
        assertEquals("by call", ask(client));
        Thread.sleep(1600);
        askAtOnce(client, Checks.ENOUGH);
        assertEquals(1, streams.get());
    }

    @Test
    void aStreamThatCarriesNothingIsGivenUp() throws Exception {
        share();
        answers = (question, to) -> {};
        assertThrows(DeadlineExceededException.class, () -> ask(client.withTimeout(Duration.ofMillis(600))));
        assertEquals("by call", ask(client));
    }

    @Test
    void closingLeavesNobodyWaiting() throws Exception {
        share();
        answers = (question, to) -> {};
        GatelodgeClient patient = client.withTimeout(Duration.ofSeconds(20));
        asked.clear();
        Future<String> asking = crowd.submit(() -> ask(patient));
        until(() -> asked.size() == 1);
        client.close();
        assertEquals("by call", asking.get(5, TimeUnit.SECONDS), "a channel that was given stays open");
    }

    @Test
    void oneOptionKeepsEachCheckACall() throws Exception {
        try (GatelodgeClient alone = GatelodgeClient.create(options().withCheckStream(false))) {
            askAtOnce(alone, 2 * Checks.ENOUGH);
            assertEquals("by call", ask(alone));
        }
        assertEquals(0, streams.get());
    }

    private static CheckSessionsRequest asking(long id) {
        return CheckSessionsRequest.newBuilder()
                .setId(id)
                .setQuestion(question())
                .setRequestId("req-" + id)
                .build();
    }

    @Test
    void aProgramThatAsksVeryManyHasAStreamOfItsOwn() {
        List<CheckSessionsRequest> held = new ArrayList<>();
        BiConsumer<CheckSessionsRequest, StreamObserver<CheckSessionsResponse>> answered = answers;
        answers = (question, to) -> { // the last comes first
            held.add(0, question);
            if (held.size() == 3) {
                held.forEach(one -> answered.accept(one, to));
            }
        };
        try (SessionChecks checks = client.sessions().checkSessions()) {
            for (long id = 1; id <= 3; id++) {
                checks.ask(asking(id));
            }
            checks.finish();
            List<Long> ids = new ArrayList<>();
            checks.forEachRemaining(answer -> ids.add(answer.getId()));
            assertEquals(List.of(3L, 2L, 1L), ids);
            assertFalse(checks.hasNext());
            assertThrows(NoSuchElementException.class, checks::next);
            assertThrows(IllegalStateException.class, () -> checks.ask(asking(4)));
        }
        assertEquals(List.of(asking(1), asking(2), asking(3)), asked);
        assertEquals(0, calls.get());
    }

    @Test
    void whatEndsAStreamOfAProgramIsToldToWhoeverAsksAndReads() {
        answers = (question, to) -> to.onError(failure(Status.Code.UNAVAILABLE, "STREAM_ENDED", 0));
        try (SessionChecks checks = client.sessions().checkSessions()) {
            checks.ask(asking(1));
            StreamEndedException ended = assertThrows(StreamEndedException.class, checks::hasNext);
            assertTrue(ended.isRetryable());
            assertThrows(StreamEndedException.class, () -> checks.ask(asking(2)));
        }
    }

    @Test
    void askingWaitsWhileTheAuthorityReadsNoFurther() throws Exception {
        BiConsumer<CheckSessionsRequest, StreamObserver<CheckSessionsResponse>> answered = answers;
        mayAnswer = new CountDownLatch(1);
        answers = (question, to) -> {
            await(mayAnswer);
            answered.accept(question, to);
        };
        try (SessionChecks checks = client.sessions().checkSessions()) {
            AtomicInteger sent = new AtomicInteger();
            Future<?> asking = crowd.submit(() -> {
                for (long id = 1; id <= 1000; id++) {
                    checks.ask(asking(id));
                    sent.incrementAndGet();
                }
                checks.finish();
            });
            until(() -> asked.size() == 1);
            Thread.sleep(100); // it would have sent all by now
            assertTrue(sent.get() < 1000, sent + " lie in memory");
            mayAnswer.countDown();
            int came = 0;
            while (checks.hasNext()) {
                checks.next();
                came++;
            }
            assertEquals(1000, came);
            asking.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void closingAStreamOfAProgramLeavesNobodyWaiting() throws Exception {
        answers = (question, to) -> {};
        SessionChecks checks = client.sessions().checkSessions();
        checks.ask(asking(1));
        Future<Boolean> reading = crowd.submit(checks::hasNext);
        until(() -> asked.size() == 1);
        checks.close();
        assertFalse(reading.get(5, TimeUnit.SECONDS));
        assertEquals(
                Status.Code.CANCELLED,
                assertThrows(GatelodgeException.class, () -> checks.ask(asking(2)))
                        .code());
    }
}
