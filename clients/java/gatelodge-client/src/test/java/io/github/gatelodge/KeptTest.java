package io.github.gatelodge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.github.gatelodge.error.Failure;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.DeniedSession;
import io.github.gatelodge.v1.HandleBackchannelLogoutRequest;
import io.github.gatelodge.v1.HandleBackchannelLogoutResponse;
import io.github.gatelodge.v1.HandleFrontchannelLogoutRequest;
import io.github.gatelodge.v1.HandleFrontchannelLogoutResponse;
import io.github.gatelodge.v1.InactiveSession;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.Requirements;
import io.github.gatelodge.v1.SessionEvent;
import io.github.gatelodge.v1.SessionEventKind;
import io.github.gatelodge.v1.SessionServiceRevokeRequest;
import io.github.gatelodge.v1.SessionServiceRevokeResponse;
import io.github.gatelodge.v1.StartLogoutRequest;
import io.github.gatelodge.v1.StartLogoutResponse;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KeptTest {
    private static final ValidateSessionRequest QUESTION = question("GET", "a");
    private static final Keys KEYS = new Keys();
    private static final Keys.Key KEY = KEYS.of(QUESTION);

    private final AtomicLong now = new AtomicLong();
    private final Kept kept = new Kept(2, now::get);

    private static ValidateSessionRequest question(String method, String cookie) {
        return ValidateSessionRequest.newBuilder()
                .addCookies(Cookie.newBuilder().setName("session").setValue(ByteString.copyFromUtf8(cookie)))
                .setContext(RequestContext.newBuilder().setMethod(ByteString.copyFromUtf8(method)))
                .build();
    }

    private static ByteString position(int at) {
        return ByteString.copyFrom(new byte[] {(byte) at});
    }

    private static WatchSessionsResponse.Builder told(int at) {
        return WatchSessionsResponse.newBuilder()
                .setPosition(position(at))
                .setMaxStaleness(com.google.protobuf.Duration.newBuilder().setSeconds(5));
    }

    private static WatchSessionsResponse told(int at, SessionEventKind kind) {
        return told(at).addEvents(SessionEvent.newBuilder().setKind(kind).setSessionId("sid_1"))
                .build();
    }

    private static ValidateSessionResponse answer(int at) {
        ValidateSessionResponse.Builder answer =
                ValidateSessionResponse.newBuilder().setSettingsVersion("7");
        answer.getActiveBuilder().getIdentityBuilder().setUserId("google_1");
        answer.getActiveBuilder().getSessionBuilder().setSessionId("sid_1");
        answer.getActiveBuilder()
                .setEventPosition(position(at))
                .getKeepForBuilder()
                .setSeconds(60);
        return answer.build();
    }

    private void answered(Kept.Look look, ValidateSessionRequest question, ValidateSessionResponse answer) {
        assertTrue(look.isOurs());
        Verdict.Active verdict = (Verdict.Active) Verdict.read(question, answer);
        kept.answered(look.flight(), question.getCookiesList(), answer, verdict);
        kept.ended(look.flight());
    }

    private void ask(int at) {
        answered(kept.look(KEY), QUESTION, answer(at));
    }

    private boolean isKnown() {
        Kept.Look look = kept.look(KEY);
        if (look.isOurs()) {
            kept.ended(look.flight());
        }
        return look.known() != null;
    }

    private void know() {
        kept.hear(told(1).build());
        ask(1);
        assertTrue(isKnown());
    }

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }

    @Test
    void whatIsKeptSaysNothingOfTheSettingsInForce() {
        know();
        assertEquals("", kept.look(KEY).known().settingsVersion());
    }

    @Test
    void anAnswerIsGoodWhileTheStreamIsWholeAndItIsYoung() {
        assertNull(kept.look(KEY).flight(), "nobody vouches yet");
        know();
        pass(Kept.SILENCE);
        assertFalse(isKnown(), "no message came");
        assertEquals(ByteString.EMPTY, kept.knownUpTo());
        kept.hear(told(2).build());
        assertTrue(isKnown(), "the stream went on where it was");
        kept.hear(told(3).clearMaxStaleness().build());
        assertFalse(isKnown(), "the authority hears nothing itself");
        kept.hear(told(4).build());
        kept.broken();
        assertFalse(isKnown(), "the stream broke");
        pass(Duration.ofSeconds(61));
        kept.hear(told(5).build());
        assertFalse(isKnown(), "older than the answer allows");
    }

    @ParameterizedTest
    @EnumSource(value = SessionEventKind.class, mode = EnumSource.Mode.EXCLUDE, names = "UNRECOGNIZED")
    void whatIsForgottenIsAskedAgain(SessionEventKind kind) {
        know();
        kept.hear(told(2, kind));
        assertFalse(isKnown());
        ask(2);
        kept.hear(told(3).addEvents(SessionEvent.newBuilder().setKind(kind)).build());
        assertFalse(isKnown(), "an event that names no session is about all");
    }

    @Test
    void anEventThatIsNotKnownIsAboutAll() {
        know();
        kept.hear(told(2).addEvents(SessionEvent.newBuilder().setKindValue(99).setSessionId("sid_2"))
                .build());
        assertFalse(isKnown());
    }

    @Test
    void whatOneselfChangesIsForgottenToo() {
        know();
        kept.forgetCookies(List.of(ByteString.copyFromUtf8("a")));
        assertFalse(isKnown());
        ask(1);
        assertTrue(isKnown());
        kept.forgetAll();
        assertFalse(isKnown());
    }

    // store.md, 6.
    @Test
    void anAnswerThatBeganBeforeAnInvalidationNeverWins() {
        kept.hear(told(1).build());
        Kept.Look early = kept.look(KEY);
        kept.hear(told(5, SessionEventKind.SESSION_EVENT_KIND_REVOKED));
        answered(early, QUESTION, answer(9));
        assertFalse(isKnown(), "it was asked before");
        ask(4);
        assertFalse(isKnown(), "it rests on less than was heard");
        ask(5);
        assertTrue(isKnown());
        kept.hear(told(6).setReset(true).build());
        assertFalse(isKnown());
        ask(6);
        assertTrue(isKnown());
    }

    // A revocation made here is known at once; the authority that is asked next may not have heard of it.
    @Test
    void whatThisProcessHasEndedIsAskedForUntilEverybodyKnows() {
        know();
        kept.hasTold(position(7));
        kept.forgetAll();
        assertEquals(position(7), kept.knownUpTo());
        ask(6);
        assertFalse(isKnown(), "it rests on less");
        kept.hear(told(3).build());
        kept.hasTold(position(5));
        kept.hasTold(ByteString.EMPTY);
        assertEquals(position(7), kept.knownUpTo(), "it never goes down");
        kept.broken();
        assertEquals(position(7), kept.knownUpTo(), "also while nobody vouches");
        assertEquals(position(3), kept.position(), "the stream goes on where it was");
        kept.hear(told(8).build());
        assertEquals(position(8), kept.knownUpTo());
        ask(8);
        assertTrue(isKnown());
    }

    @Test
    void aResetLowersNoPositionBeforeItsTime() {
        know();
        kept.hear(told(5).build());
        kept.hear(told(2).setReset(true).build());
        assertEquals(position(5), kept.knownUpTo());
        ask(4);
        assertFalse(isKnown(), "it rests on less than was heard");
        ask(5);
        assertTrue(isKnown());
        pass(Kept.STALENESS);
        kept.hear(told(2).setReset(true).build());
        pass(Kept.STALENESS);
        kept.hear(told(2).build());
        assertEquals(position(2), kept.knownUpTo(), "the log begins anew");
        ask(2);
        assertTrue(isKnown());
    }

    @Test
    void equalQuestionsAtTheSameTimeAreAskedOnce() {
        kept.hear(told(1).build());
        Kept.Look first = kept.look(KEY);
        Kept.Look second = kept.look(KEY);
        assertFalse(second.isOurs());
        answered(first, QUESTION, answer(1));
        assertNotNull(second.flight().answer().getNow(null));
        kept.forgetAll();
        Kept.Look other = kept.look(KEY);
        kept.forgetAll();
        assertTrue(kept.look(KEY).isOurs(), "it does not wait for what was asked before");
        kept.ended(other.flight());
    }

    @Test
    void anAnswerForOneResponseAloneIsNeitherKeptNorShared() {
        kept.hear(told(1).build());
        ValidateSessionResponse renewed = answer(1).toBuilder()
                .setActive(answer(1).getActive().toBuilder().addSetCookies("session=b"))
                .build();
        Kept.Look ours = kept.look(KEY);
        Kept.Look waiting = kept.look(KEY);
        answered(ours, QUESTION, renewed);
        assertFalse(isKnown());
        assertTrue(waiting.flight().answer().isDone());
        assertNull(waiting.flight().answer().getNow(null));
    }

    @Test
    void thereIsRoomForSoManyAndNoMore() {
        kept.hear(told(1).build());
        for (String cookie : new String[] {"a", "b", "c"}) {
            ValidateSessionRequest question = question("GET", cookie);
            answered(kept.look(KEYS.of(question)), question, answer(1));
        }
        assertNotNull(kept.look(KEYS.of(question("GET", "b"))).known());
        assertNull(kept.look(KEYS.of(question("GET", "c"))).known());
    }

    @Test
    void largeAnswersLeaveRoomForFewer() {
        kept.hear(told(1).build());
        ValidateSessionResponse.Builder large = answer(1).toBuilder();
        large.getActiveBuilder().getIdentityBuilder().setName("x".repeat(2 * Kept.BYTES_EACH - 700));
        answered(kept.look(KEY), QUESTION, large.build());
        assertTrue(isKnown());
        ValidateSessionRequest other = question("GET", "b");
        answered(kept.look(KEYS.of(other)), other, answer(1));
        assertEquals(1, kept.size(), "there is no room for a second");
        kept.forgetAll();
        ask(1);
        answered(kept.look(KEYS.of(other)), other, answer(1));
        assertEquals(2, kept.size(), "what was forgotten takes no room");
    }

    @Test
    void whatHasEndedByItselfIsOutOfMemoryASecondLater() {
        kept.hear(told(9).setReset(true).build());
        ask(9);
        assertEquals(1, kept.size());
        pass(Duration.ofSeconds(61));
        kept.hear(told(9).build());
        assertEquals(0, kept.size());
        ask(9);
        kept.close();
        assertEquals(0, kept.size(), "it is closed");
    }

    @Test
    void whatIsForgottenIsOutOfMemoryAtOnceAndNothingElse() {
        ValidateSessionRequest other = question("GET", "b");
        ValidateSessionResponse.Builder another = answer(9).toBuilder();
        another.getActiveBuilder().getSessionBuilder().setSessionId("sid_2");
        for (Runnable forget : List.<Runnable>of(
                () -> kept.forgetCookies(List.of(ByteString.copyFromUtf8("a"))),
                () -> kept.forgetSession("sid_1"),
                () -> kept.hear(told(9, SessionEventKind.SESSION_EVENT_KIND_REVOKED)))) {
            kept.hear(told(9).setReset(true).build());
            ask(9);
            answered(kept.look(KEYS.of(other)), other, another.build());
            assertEquals(2, kept.size());
            forget.run();
            assertEquals(1, kept.size());
            assertNotNull(kept.look(KEYS.of(other)).known());
            ask(9);
            assertEquals(2, kept.size(), "there is room again");
        }
        kept.forgetAll();
        assertEquals(0, kept.size());
    }

    @Test
    void aFailureIsThatOfAllWhoWaitUnlessItSpeaksOfOneAlone() {
        kept.hear(told(1).build());
        for (Status.Code code :
                List.of(Status.Code.UNAVAILABLE, Status.Code.CANCELLED, Status.Code.DEADLINE_EXCEEDED)) {
            Kept.Look ours = kept.look(KEY);
            Kept.Look waiting = kept.look(KEY);
            kept.failed(ours.flight(), GatelodgeException.of(Failure.of(code, "so it is")));
            kept.ended(ours.flight());
            assertTrue(waiting.flight().answer().isDone());
            assertEquals(
                    code == Status.Code.UNAVAILABLE, waiting.flight().answer().isCompletedExceptionally(), code.name());
        }
    }

    /** A client whose stream is whole, and which knows nothing. */
    private static GatelodgeClient watching(ScriptedAuthority authority) throws InterruptedException {
        GatelodgeClient client = authority.client();
        authority.say("WatchSessions", told(1).build(), ScriptedAuthority.NEVER);
        authority.stays("WatchSessions");
        authority.say("ValidateSession", answer(1));
        client.sessions().check(question("GET", "another"));
        for (int tries = 0; tries < 200 && authority.calls("WatchSessions").isEmpty(); tries++) {
            Thread.sleep(10);
        }
        Thread.sleep(100);
        return client;
    }

    private static CompletableFuture<Long> timed(ExecutorService threads, GatelodgeClient client) {
        return CompletableFuture.supplyAsync(
                () -> {
                    long begun = System.nanoTime();
                    try {
                        client.sessions().check(QUESTION);
                    } catch (GatelodgeException failed) {
                        return System.nanoTime() - begun;
                    }
                    return 0L;
                },
                threads);
    }

    @Test
    void whoWaitsForAnotherWaitsNoLongerThanForTheAuthority() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (ScriptedAuthority authority = new ScriptedAuthority();
                GatelodgeClient client = watching(authority).withTimeout(Duration.ofMillis(600))) {
            authority.say("ValidateSession", ScriptedAuthority.NEVER);
            CompletableFuture<Long> first = timed(threads, client);
            Thread.sleep(200);
            CompletableFuture<Long> second = timed(threads, client);
            assertTrue(first.get() > 0);
            long took = TimeUnit.NANOSECONDS.toMillis(second.get());
            assertTrue(took >= 500 && took < 1000, "took " + took + " ms");
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aFailureIsAskedForOnce() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try (ScriptedAuthority authority = new ScriptedAuthority();
                GatelodgeClient client = watching(authority)) {
            authority.say(
                    "ValidateSession",
                    ScriptedAuthority.failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0.3),
                    ScriptedAuthority.failure(Status.Code.INTERNAL, "INTERNAL", 0));
            int before = authority.calls("ValidateSession").size();
            List<CompletableFuture<Long>> all = IntStream.range(0, 8)
                    .mapToObj(one -> timed(threads, client))
                    .toList();
            for (CompletableFuture<Long> one : all) {
                assertTrue(one.get() > 0, "it failed");
            }
            assertEquals(before + 2, authority.calls("ValidateSession").size(), "one question, repeated once");
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void oneSessionTakesNoMoreThanItsShareOfTheRoom() {
        Kept wide = new Kept(100, now::get);
        wide.hear(told(1).build());
        for (int browser = 0; browser < Kept.MOST_OF_ONE + 5; browser++) {
            ValidateSessionRequest.Builder question = QUESTION.toBuilder();
            question.getContextBuilder().setUserAgent(ByteString.copyFromUtf8("browser " + browser));
            Kept.Look look = wide.look(KEYS.of(question.build()));
            Verdict.Active verdict = (Verdict.Active) Verdict.read(question.build(), answer(1));
            wide.answered(look.flight(), question.getCookiesList(), answer(1), verdict);
            wide.ended(look.flight());
        }
        assertEquals(Kept.MOST_OF_ONE, wide.size());
    }

    /** What says how to answer who has no session, or what a request is about, and nothing about a yes. */
    private static final Set<String> TELLS_NOTHING_OF_A_YES = Set.of(
            "answer_json",
            "method",
            "target",
            "accept",
            "content_type",
            "origin",
            "sec_fetch_site",
            "sec_fetch_mode",
            "sec_fetch_dest",
            "x_requested_with",
            "csrf_token");

    @Test
    void aKeyHoldsEveryFieldThatAnAnswerDependsOnAndNoOther() {
        ValidateSessionRequest one = question("GET", "a");
        assertEquals(KEYS.of(one), KEYS.of(one.toBuilder().build()));
        eachFieldOf(one, one);
        eachFieldOf(one, one.getContext());
        eachFieldOf(one, one.getRequirements());
        eachFieldOf(one, one.getCookies(0));
    }

    /** Sets each field of a part of a question, and compares the keys. */
    private static void eachFieldOf(ValidateSessionRequest whole, Message part) {
        for (FieldDescriptor field : part.getDescriptorForType().getFields()) {
            Message.Builder changed = part.toBuilder();
            if (field.isRepeated()) {
                changed.addRepeatedField(field, other(field, changed));
            } else {
                changed.setField(field, other(field, changed));
            }
            Keys.Key key = KEYS.of(within(whole, changed.build()));
            boolean isSame = KEYS.of(whole).equals(key);
            assertEquals(TELLS_NOTHING_OF_A_YES.contains(field.getName()), isSame, field.getFullName());
        }
    }

    private static Object other(FieldDescriptor field, Message.Builder of) {
        return switch (field.getJavaType()) {
            case BYTE_STRING -> ByteString.copyFromUtf8(field.getName().equals("method") ? "HEAD" : "other");
            case STRING -> "other";
            case BOOLEAN -> true;
            case ENUM -> field.getEnumType().findValueByNumber(2); // NOT_REQUIRED
            case MESSAGE ->
                field.getMessageType() == com.google.protobuf.Duration.getDescriptor()
                        ? com.google.protobuf.Duration.newBuilder()
                                .setSeconds(7)
                                .build()
                        : filled(of.newBuilderForField(field));
            default -> throw new AssertionError(field.getFullName());
        };
    }

    /** With something in its first field, so that it is another. */
    private static Message filled(Message.Builder empty) {
        FieldDescriptor first = empty.getDescriptorForType().getFields().stream()
                .filter(field -> !field.isRepeated()
                        && Set.of("host", "email_verified", "value").contains(field.getName()))
                .findFirst()
                .orElseThrow();
        return empty.setField(first, other(first, empty)).build();
    }

    private static ValidateSessionRequest within(ValidateSessionRequest whole, Message part) {
        if (part instanceof ValidateSessionRequest changed) {
            return changed;
        }
        ValidateSessionRequest.Builder changed = whole.toBuilder();
        if (part instanceof RequestContext context) {
            changed.setContext(context);
        } else if (part instanceof Requirements requirements) {
            changed.setRequirements(requirements);
        } else {
            changed.setCookies(0, (Cookie) part);
        }
        return changed.build();
    }

    @Test
    void partsThatRunTogetherMakeOtherQuestions() {
        ValidateSessionRequest.Builder one = question("GET", "ab").toBuilder();
        ValidateSessionRequest.Builder other = question("GET", "a").toBuilder();
        one.getContextBuilder().setHost(ByteString.copyFromUtf8("c"));
        other.getContextBuilder().setHost(ByteString.copyFromUtf8("bc"));
        assertFalse(KEYS.of(one.build()).equals(KEYS.of(other.build())));
        one = question("GET", "a").toBuilder();
        other = question("GET", "a").toBuilder();
        one.getContextBuilder().addXForwardedFor(ByteString.copyFromUtf8("x"));
        other.getContextBuilder().addForwarded(ByteString.copyFromUtf8("x"));
        assertFalse(KEYS.of(one.build()).equals(KEYS.of(other.build())));
    }

    @Test
    void whatHasToBeAskedEachTimeHasNoKey() {
        ValidateSessionRequest one = question("GET", "a");
        assertNull(KEYS.of(question("POST", "a")), "it changes something");
        assertNull(KEYS.of(one.toBuilder().setIssueCsrfToken(true).build()));
        assertNull(KEYS.of(one.toBuilder().clearCookies().build()));
        assertNull(KEYS.of(one.toBuilder().setAsOfPosition(position(1)).build()), "it says how fresh");
        ValidateSessionRequest.Builder upgrade = one.toBuilder();
        upgrade.getContextBuilder().setUpgrade(ByteString.copyFromUtf8("websocket"));
        assertNull(KEYS.of(upgrade.build()));
    }

    /** Knows the answer to the question, makes a call, and says whether it is known still. */
    private static boolean isKnownAfter(ScriptedAuthority authority, GatelodgeClient client, Runnable call) {
        client.sessions().check(QUESTION);
        int before = authority.calls("ValidateSession").size();
        client.sessions().check(QUESTION);
        assertEquals(before, authority.calls("ValidateSession").size(), "it is not known");
        try {
            call.run();
        } catch (GatelodgeException failed) {
            assertTrue(failed.getMessage().contains("so it is"), "it fails as the authority says");
        }
        client.sessions().check(QUESTION);
        return before == authority.calls("ValidateSession").size();
    }

    @Test
    void aProvidersLogoutForgetsAllUnlessItEndedNothing() throws Exception {
        StatusRuntimeException failure = ScriptedAuthority.failure(Status.Code.INTERNAL, "INTERNAL", 0);
        try (ScriptedAuthority authority = new ScriptedAuthority();
                GatelodgeClient client = watching(authority)) {
            authority.say(
                    "HandleBackchannelLogout",
                    HandleBackchannelLogoutResponse.getDefaultInstance(),
                    HandleBackchannelLogoutResponse.newBuilder()
                            .setRevokedCount(1)
                            .setEventPosition(position(1))
                            .build(),
                    failure);
            authority.say(
                    "HandleFrontchannelLogout",
                    HandleFrontchannelLogoutResponse.getDefaultInstance(),
                    HandleFrontchannelLogoutResponse.newBuilder()
                            .setRevokedCount(1)
                            .setEventPosition(position(1))
                            .build(),
                    failure);
            Runnable back =
                    () -> client.login().handleBackchannelLogout(HandleBackchannelLogoutRequest.getDefaultInstance());
            Runnable front =
                    () -> client.login().handleFrontchannelLogout(HandleFrontchannelLogoutRequest.getDefaultInstance());
            for (Runnable call : List.of(back, front)) {
                assertTrue(isKnownAfter(authority, client, call), "anybody can send one that ends nothing");
                assertFalse(isKnownAfter(authority, client, call), "it ended one");
                assertFalse(isKnownAfter(authority, client, call), "nobody knows what it ended");
            }
        }
    }

    @Test
    void whatSaysThatNothingWasDoneForgetsNothing() throws Exception {
        StatusRuntimeException refused = ScriptedAuthority.failure(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", 0);
        StatusRuntimeException busy = ScriptedAuthority.failure(Status.Code.RESOURCE_EXHAUSTED, "OVERLOADED", 0);
        StatusRuntimeException full = ScriptedAuthority.failure(Status.Code.RESOURCE_EXHAUSTED, "", 0);
        StatusRuntimeException asking = ScriptedAuthority.failure(Status.Code.UNAVAILABLE, "PROVIDER_UNAVAILABLE", 0);
        StatusRuntimeException away = ScriptedAuthority.failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0);
        try (ScriptedAuthority authority = new ScriptedAuthority();
                GatelodgeClient client = watching(authority)) {
            Runnable back =
                    () -> client.login().handleBackchannelLogout(HandleBackchannelLogoutRequest.getDefaultInstance());
            Runnable front =
                    () -> client.login().handleFrontchannelLogout(HandleFrontchannelLogoutRequest.getDefaultInstance());
            Runnable logout = () -> client.login().startLogout(StartLogoutRequest.getDefaultInstance());
            for (String call : List.of("HandleBackchannelLogout", "HandleFrontchannelLogout", "StartLogout")) {
                authority.say(call, refused, busy, asking, full, away, busy);
            }
            for (Runnable call : List.of(back, front, logout)) {
                assertTrue(isKnownAfter(authority, client, call), "anybody can be refused");
                assertTrue(isKnownAfter(authority, client, call), "anybody can send many");
                assertEquals(call != logout, isKnownAfter(authority, client, call), "a provider has to be asked first");
                assertFalse(isKnownAfter(authority, client, call), "nobody says where it failed");
                assertFalse(isKnownAfter(authority, client, call), "it was sent more than once");
            }
        }
    }

    @Test
    void aLogoutEverywhereForgetsAll() throws Exception {
        StatusRuntimeException failure = ScriptedAuthority.failure(Status.Code.INTERNAL, "INTERNAL", 0);
        StartLogoutRequest here = StartLogoutRequest.newBuilder()
                .addCookies(Cookie.newBuilder().setName("session").setValue(ByteString.copyFromUtf8("another")))
                .setQuery(ByteString.copyFromUtf8("redirect_uri=/"))
                .build();
        StartLogoutRequest everywhere = here.toBuilder()
                .setQuery(ByteString.copyFromUtf8("redirect_uri=/&everywhere=true"))
                .build();
        StartLogoutResponse two =
                StartLogoutResponse.newBuilder().setRevokedCount(2).build();
        try (ScriptedAuthority authority = new ScriptedAuthority();
                GatelodgeClient client = watching(authority)) {
            StatusRuntimeException away = ScriptedAuthority.failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0);
            StartLogoutResponse none = StartLogoutResponse.getDefaultInstance();
            authority.say("StartLogout", none, failure, two, away, none);
            Runnable one = () -> client.login().startLogout(here);
            assertTrue(isKnownAfter(authority, client, one), "it is about another session");
            assertFalse(isKnownAfter(authority, client, one), "nobody knows what it ended");
            assertFalse(isKnownAfter(authority, client, one), "it ended another too");
            assertFalse(isKnownAfter(authority, client, one), "the repeat does not know what its first ended");
            StartLogoutResponse ended =
                    StartLogoutResponse.newBuilder().setRevokedCount(1).build();
            authority.say("StartLogout", none, ended, failure);
            Runnable all = () -> client.login().startLogout(everywhere);
            assertTrue(isKnownAfter(authority, client, all), "anybody can send one that ends nothing");
            assertFalse(isKnownAfter(authority, client, all), "it may have ended any");
            assertFalse(isKnownAfter(authority, client, all), "nobody knows what it ended");
        }
    }

    @Test
    void aRefusedRevocationCostsNobodyElseAnything() throws Exception {
        SessionServiceRevokeRequest form = SessionServiceRevokeRequest.newBuilder()
                .setForm(ByteString.copyFromUtf8("end=others"))
                .build();
        SessionServiceRevokeResponse done =
                SessionServiceRevokeResponse.newBuilder().setRevokedCount(1).build();
        try (ScriptedAuthority authority = new ScriptedAuthority();
                GatelodgeClient client = watching(authority)) {
            authority.say(
                    "Revoke",
                    SessionServiceRevokeResponse.newBuilder()
                            .setInactive(InactiveSession.getDefaultInstance())
                            .build(),
                    SessionServiceRevokeResponse.newBuilder()
                            .setDenied(DeniedSession.getDefaultInstance())
                            .build(),
                    done,
                    done,
                    done,
                    done);
            Runnable byForm = () -> client.sessions().revoke(form);
            assertTrue(isKnownAfter(authority, client, byForm), "it was nobody's");
            assertTrue(isKnownAfter(authority, client, byForm), "it was denied");
            assertFalse(isKnownAfter(authority, client, byForm), "it ended one that is not named");
            SessionServiceRevokeRequest own = SessionServiceRevokeRequest.newBuilder()
                    .setPresentedSession(form.getPresentedSession())
                    .build();
            assertTrue(isKnownAfter(authority, client, () -> client.sessions().revoke(own)), "it ended its own");
            SessionServiceRevokeRequest.Builder named = SessionServiceRevokeRequest.newBuilder();
            Runnable another =
                    () -> client.sessions().revoke(named.setSessionId("sid_2").build());
            assertTrue(isKnownAfter(authority, client, another), "it ended another");
            Runnable known =
                    () -> client.sessions().revoke(named.setSessionId("sid_1").build());
            assertFalse(isKnownAfter(authority, client, known), "it ended the one that is known");
        }
    }

    @Test
    void aClientKeepsAnswersFromWhenItWatchesUntilItChangesTheSession() throws Exception {
        try (ScriptedAuthority authority = new ScriptedAuthority();
                GatelodgeClient client = authority.client()) {
            authority.say("ValidateSession", answer(1));
            authority.say("WatchSessions", told(1).build(), ScriptedAuthority.NEVER);
            authority.stays("WatchSessions");
            client.sessions().check(QUESTION);
            for (int tries = 0; tries < 200 && authority.calls("WatchSessions").isEmpty(); tries++) {
                Thread.sleep(10);
            }
            Thread.sleep(100);
            int before = authority.calls("ValidateSession").size();
            client.sessions().check(QUESTION);
            client.sessions()
                    .check(question("GET", "a").toBuilder().setAnswerJson(true).build());
            client.forRequest("r").sessions().check(QUESTION);
            assertEquals(before + 1, authority.calls("ValidateSession").size(), "asked once, then known");
            assertEquals(
                    position(1),
                    ((ValidateSessionRequest) authority
                                    .calls("ValidateSession")
                                    .get(before)
                                    .question())
                            .getAsOfPosition());
            client.sessions()
                    .revoke(SessionServiceRevokeRequest.newBuilder()
                            .addAllCookies(QUESTION.getCookiesList())
                            .build());
            client.sessions().check(QUESTION);
            assertEquals(before + 2, authority.calls("ValidateSession").size());
        }
    }
}
