package io.github.gatelodge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.SessionEvent;
import io.github.gatelodge.v1.SessionEventKind;
import io.github.gatelodge.v1.SessionServiceRevokeRequest;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KeptTest {
    private static final ValidateSessionRequest KEY = question("GET", "a");

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
        ValidateSessionResponse.Builder answer = ValidateSessionResponse.newBuilder();
        answer.getActiveBuilder().getIdentityBuilder().setUserId("google_1");
        answer.getActiveBuilder().getSessionBuilder().setSessionId("sid_1");
        answer.getActiveBuilder()
                .setEventPosition(position(at))
                .getKeepForBuilder()
                .setSeconds(60);
        return answer.build();
    }

    private void answered(Kept.Look look, ValidateSessionRequest key, ValidateSessionResponse answer) {
        assertTrue(look.isOurs());
        kept.answered(key, look.flight(), answer, Verdict.read(key, answer));
        kept.ended(key, look.flight());
    }

    private void ask(int at) {
        answered(kept.look(KEY), KEY, answer(at));
    }

    private boolean isKnown() {
        Kept.Look look = kept.look(KEY);
        if (look.isOurs()) {
            kept.ended(KEY, look.flight());
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
    void anAnswerIsGoodWhileTheStreamIsWholeAndItIsYoung() {
        assertNull(kept.look(KEY).flight(), "nobody vouches yet");
        know();
        pass(Kept.SILENCE);
        assertFalse(isKnown(), "no message came");
        assertEquals(ByteString.EMPTY, kept.heard());
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
    @EnumSource(
            value = SessionEventKind.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SESSION_EVENT_KIND_KEYS_ROTATED", "UNRECOGNIZED"})
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
        ask(2);
        kept.hear(told(3, SessionEventKind.SESSION_EVENT_KIND_KEYS_ROTATED));
        assertTrue(isKnown(), "other keys change nothing");
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
        answered(early, KEY, answer(9));
        assertFalse(isKnown(), "it was asked before");
        ask(4);
        assertFalse(isKnown(), "it rests on less than was heard");
        ask(5);
        assertTrue(isKnown());
        // After a reset positions may begin anew.
        kept.hear(told(2).setReset(true).build());
        assertFalse(isKnown());
        ask(2);
        assertTrue(isKnown());
    }

    @Test
    void equalQuestionsAtTheSameTimeAreAskedOnce() {
        kept.hear(told(1).build());
        Kept.Look first = kept.look(KEY);
        Kept.Look second = kept.look(KEY);
        assertFalse(second.isOurs());
        answered(first, KEY, answer(1));
        assertNotNull(second.flight().answer().getNow(null));
        kept.forgetAll();
        Kept.Look other = kept.look(KEY);
        kept.forgetAll();
        assertTrue(kept.look(KEY).isOurs(), "it does not wait for what was asked before");
        kept.ended(KEY, other.flight());
    }

    @Test
    void anAnswerForOneResponseAloneIsNeitherKeptNorShared() {
        kept.hear(told(1).build());
        ValidateSessionResponse renewed = answer(1).toBuilder()
                .setActive(answer(1).getActive().toBuilder().addSetCookies("session=b"))
                .build();
        Kept.Look ours = kept.look(KEY);
        Kept.Look waiting = kept.look(KEY);
        answered(ours, KEY, renewed);
        assertFalse(isKnown());
        assertTrue(waiting.flight().answer().isDone());
        assertNull(waiting.flight().answer().getNow(null));
    }

    @Test
    void thereIsRoomForSoManyAndNoMore() {
        kept.hear(told(1).build());
        for (String cookie : new String[] {"a", "b", "c"}) {
            answered(kept.look(question("GET", cookie)), question("GET", cookie), answer(1));
        }
        assertNotNull(kept.look(question("GET", "b")).known());
        assertNull(kept.look(question("GET", "c")).known());
    }

    @Test
    void aKeyHoldsWhatAnAnswerDependsOnAndNothingElse() {
        ValidateSessionRequest one = question("GET", "a");
        ValidateSessionRequest.Builder other = one.toBuilder().setAnswerJson(true);
        other.getContextBuilder().setTarget(ByteString.copyFromUtf8("/b")).setAccept(ByteString.copyFromUtf8("*/*"));
        assertEquals(Keeping.key(one), Keeping.key(other.build()));
        other.getContextBuilder().setUserAgent(ByteString.copyFromUtf8("B"));
        assertFalse(Keeping.key(one).equals(Keeping.key(other.build())), "a client is known by it");
        assertNull(Keeping.key(question("POST", "a")), "it changes something");
        assertNull(Keeping.key(one.toBuilder().setIssueCsrfToken(true).build()));
        assertNull(Keeping.key(one.toBuilder().clearCookies().build()));
        other.getContextBuilder().setUpgrade(ByteString.copyFromUtf8("websocket"));
        assertNull(Keeping.key(other.build()));
    }

    @Test
    void aClientKeepsAnswersFromWhenItWatchesUntilItChangesTheSession() throws Exception {
        try (ScriptedAuthority authority = new ScriptedAuthority();
                GatelodgeClient client = authority.client()) {
            authority.say("ValidateSession", answer(1));
            authority.say("WatchSessions", told(1).build(), ScriptedAuthority.NEVER);
            authority.stays("WatchSessions");
            client.sessions().check(KEY);
            for (int tries = 0; tries < 200 && authority.calls("WatchSessions").isEmpty(); tries++) {
                Thread.sleep(10);
            }
            Thread.sleep(100);
            int before = authority.calls("ValidateSession").size();
            client.sessions().check(KEY);
            client.sessions()
                    .check(question("GET", "a").toBuilder().setAnswerJson(true).build());
            client.forRequest("r").sessions().check(KEY);
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
                            .addAllCookies(KEY.getCookiesList())
                            .build());
            client.sessions().check(KEY);
            assertEquals(before + 2, authority.calls("ValidateSession").size());
        }
    }
}
