package io.github.gatelodge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.v1.ActiveSession;
import io.github.gatelodge.v1.SessionEvent;
import io.github.gatelodge.v1.SessionEventKind;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The answers that this process keeps, for as long as a watched stream vouches for them. Does not know the network.
 *
 * <p>Invariants: nothing is answered from memory while the stream is broken; nothing lives longer than its answer
 * allowed; and what was asked before something was forgotten is never kept, nor is what another authority answered that
 * had heard less. What was forgotten is remembered as numbers in places that many share: a place never forgets, and who
 * shares it is asked about once more.
 */
final class Kept {
    /** The stream is broken when no message has come for so long. */
    static final Duration SILENCE = Duration.ofSeconds(2);

    private static final Set<SessionEventKind> IS_ABOUT_ONE = EnumSet.of(
            SessionEventKind.SESSION_EVENT_KIND_REVOKED,
            SessionEventKind.SESSION_EVENT_KIND_ROTATED,
            SessionEventKind.SESSION_EVENT_KIND_REFRESHED,
            SessionEventKind.SESSION_EVENT_KIND_CHANGED);
    private static final int PLACES = 4096;
    private static final long SWEEP_EVERY = Duration.ofSeconds(1).toNanos();

    private final int most;
    private final LongSupplier clock;
    private final Map<ValidateSessionRequest, Answer> answers = new HashMap<>();
    private final Map<ValidateSessionRequest, Flight> asking = new HashMap<>();
    private final Forgotten all = new Forgotten();
    private final Forgotten[] sessions = new Forgotten[PLACES];
    private final Forgotten[] cookies = new Forgotten[PLACES];
    private long number; // rises with everything that is forgotten
    private ByteString heard = ByteString.EMPTY;
    private @Nullable Long wholeUntil;
    private @Nullable Long sweptAt;

    /** When something was forgotten last: what was asked before, or rests on less, is worth nothing. */
    private static final class Forgotten {
        long number;
        ByteString position = ByteString.EMPTY;

        void forget(long at, ByteString told) {
            number = at;
            position = isLater(told, position) ? told : position;
        }
    }

    private record Answer(Verdict.Active verdict, long number, int session, List<Integer> cookies, long until) {}

    /** A question that is being asked; it brings null to those who wait where its answer is not for them. */
    record Flight(long number, long at, CompletableFuture<Verdict.@Nullable Active> answer) {}

    /** What to do about a question: take what is known, wait for who asks, or ask ({@code isOurs}); or it is broken. */
    record Look(Verdict.@Nullable Active known, @Nullable Flight flight, boolean isOurs) {}

    /** With room for this many answers, by a clock in nanoseconds. */
    Kept(int most, LongSupplier clock) {
        this.most = most;
        this.clock = clock;
    }

    /** How the authority lets an answer be kept: a yes alone, which carries nothing for one response. */
    static boolean isForKeeping(ValidateSessionResponse answer) {
        ActiveSession active = answer.getActive();
        return answer.hasActive()
                && active.hasKeepFor()
                && !active.getEventPosition().isEmpty()
                && active.getSetCookiesCount() == 0
                && active.getCsrfToken().isEmpty();
    }

    /** What of the stream was heard, to be shown to an authority that may have heard less. */
    synchronized ByteString heard() {
        return isWhole() ? heard : ByteString.EMPTY;
    }

    /** Where the stream goes on. */
    synchronized ByteString position() {
        return heard;
    }

    /** What to do about a question, of which all is left that its answer depends on. */
    synchronized Look look(ValidateSessionRequest key) {
        if (!isWhole()) {
            return new Look(null, null, false);
        }
        Answer answer = answers.get(key);
        if (answer != null) {
            boolean isYoung = answer.until() - clock.getAsLong() > 0;
            if (isYoung && answer.number() >= lastNumber(answer.session(), answer.cookies())) {
                return new Look(answer.verdict(), null, false);
            }
            answers.remove(key);
        }
        Flight under = asking.get(key);
        // Whoever asks after something was forgotten does not wait for what was asked before.
        if (under != null && under.number() == number) {
            return new Look(null, under, false);
        }
        Flight ours = new Flight(number, clock.getAsLong(), new CompletableFuture<>());
        asking.put(key, ours);
        return new Look(null, ours, true);
    }

    /** Ends a question that was ours, whatever became of it. */
    void ended(ValidateSessionRequest key, Flight flight) {
        synchronized (this) {
            asking.remove(key, flight);
        }
        flight.answer().complete(null);
    }

    /** Shares an answer with those who wait, and keeps it as long as it allows. */
    void answered(ValidateSessionRequest key, Flight flight, ValidateSessionResponse answer, Verdict verdict) {
        if (verdict instanceof Verdict.Active active && isForKeeping(answer)) {
            keep(key, flight, answer.getActive(), active);
            flight.answer().complete(active);
        }
    }

    private synchronized void keep(
            ValidateSessionRequest key, Flight flight, ActiveSession answer, Verdict.Active verdict) {
        int session = place(answer.getSession().getSessionId());
        List<Integer> of = new ArrayList<>();
        key.getCookiesList().forEach(cookie -> of.add(place(cookie.getValue())));
        boolean isStale = flight.number() < lastNumber(session, of)
                || isLater(lastPosition(session, of), answer.getEventPosition());
        if (isStale || !isWhole()) {
            return;
        }
        long now = clock.getAsLong();
        if (answers.size() >= most && (sweptAt == null || now - sweptAt >= SWEEP_EVERY)) {
            answers.values().removeIf(one -> one.until() - now <= 0);
            sweptAt = now;
        }
        if (answers.size() < most) {
            com.google.protobuf.Duration keepFor = answer.getKeepFor();
            long until = flight.at()
                    + Duration.ofSeconds(keepFor.getSeconds(), keepFor.getNanos())
                            .toNanos();
            answers.put(key, new Answer(verdict, flight.number(), session, List.copyOf(of), until));
        }
    }

    /** Whoever presents one of these cookies is asked about anew. */
    synchronized void forgetCookies(List<ByteString> values) {
        number++;
        values.forEach(value -> of(cookies, place(value)).forget(number, ByteString.EMPTY));
    }

    /** Everything is asked about anew. */
    synchronized void forgetAll() {
        forgetAll(ByteString.EMPTY);
    }

    private void forgetAll(ByteString position) {
        all.forget(++number, position);
        answers.clear();
    }

    /** Takes in what the stream told. */
    synchronized void hear(WatchSessionsResponse message) {
        ByteString position = message.getPosition();
        if (message.getReset()) {
            // Positions may begin anew.
            all.number = ++number;
            all.position = position;
            Arrays.fill(sessions, null);
            Arrays.fill(cookies, null);
            answers.clear();
        }
        for (SessionEvent event : message.getEventsList()) {
            if (event.getKind() == SessionEventKind.SESSION_EVENT_KIND_KEYS_ROTATED) {
                continue;
            }
            if (IS_ABOUT_ONE.contains(event.getKind()) && !event.getSessionId().isEmpty()) {
                of(sessions, place(event.getSessionId())).forget(++number, position);
            } else {
                forgetAll(position);
            }
        }
        heard = position;
        wholeUntil = message.hasMaxStaleness() ? clock.getAsLong() + SILENCE.toNanos() : null;
    }

    /** The stream is broken. What is kept may be good again when it goes on where it was. */
    synchronized void broken() {
        wholeUntil = null;
    }

    private boolean isWhole() {
        return wholeUntil != null && wholeUntil - clock.getAsLong() > 0;
    }

    private long lastNumber(int session, List<Integer> places) {
        long last = Math.max(all.number, sessions[session] == null ? 0 : sessions[session].number);
        for (int place : places) {
            last = Math.max(last, cookies[place] == null ? 0 : cookies[place].number);
        }
        return last;
    }

    private ByteString lastPosition(int session, List<Integer> places) {
        Forgotten of = sessions[session];
        ByteString last = of != null && isLater(of.position, all.position) ? of.position : all.position;
        for (int place : places) {
            Forgotten cookie = cookies[place];
            last = cookie != null && isLater(cookie.position, last) ? cookie.position : last;
        }
        return last;
    }

    private static Forgotten of(Forgotten[] places, int place) {
        if (places[place] == null) {
            places[place] = new Forgotten();
        }
        return places[place];
    }

    private static int place(Object value) {
        return Math.floorMod(value.hashCode() * 0x9E3779B9, PLACES);
    }

    private static boolean isLater(ByteString one, ByteString other) {
        return ByteString.unsignedLexicographicalComparator().compare(one, other) > 0;
    }
}
