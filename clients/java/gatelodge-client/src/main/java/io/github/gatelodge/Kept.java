package io.github.gatelodge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.ActiveSession;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.SessionEvent;
import io.github.gatelodge.v1.SessionEventKind;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The answers that this process keeps, for as long as a watched stream vouches for them. Does not know the network.
 *
 * <p>Invariants: nothing is answered from memory while the stream is broken; nothing lives longer than its answer
 * allowed, and is out of memory a second later, or at once when it is forgotten; and what was asked before something
 * was forgotten is never kept, nor is what another authority answered that had heard less. What was forgotten is
 * remembered as numbers in places that many share: a place never forgets, and who shares it is asked about once more.
 * What is known is read without the lock.
 */
final class Kept {
    /** The stream is broken when no message has come for so long. */
    static final Duration SILENCE = Duration.ofSeconds(2);

    /** No authority answers from what is older than this: by then all have heard what was told. */
    static final Duration STALENESS = Duration.ofSeconds(6);

    /** How many bytes an answer has on average, at most: where answers are larger, fewer are kept. */
    static final int BYTES_EACH = 2048;

    /** So many answers there may be about one session: nobody who varies their headers takes the room of others. */
    static final int MOST_OF_ONE = 16;

    private static final Set<SessionEventKind> IS_ABOUT_ONE = EnumSet.of(
            SessionEventKind.SESSION_EVENT_KIND_REVOKED,
            SessionEventKind.SESSION_EVENT_KIND_ROTATED,
            SessionEventKind.SESSION_EVENT_KIND_REFRESHED,
            SessionEventKind.SESSION_EVENT_KIND_CHANGED);
    private static final int PLACES = 4096;
    private static final int BYTES_BESIDE = 512;
    private static final long SWEEP_EVERY = Duration.ofSeconds(1).toNanos();

    private final int most;
    private final LongSupplier clock;
    private final Map<Keys.Key, Answer> answers = new ConcurrentHashMap<>();
    private final Map<Keys.Key, Flight> asking = new HashMap<>();
    // Which answers there are, by the session and by the places of their cookies.
    private final Map<String, Set<Keys.Key>> ofSession = new HashMap<>();
    private final Map<Integer, Set<Keys.Key>> ofCookie = new HashMap<>();
    private long bytes;
    private long number; // rises with everything that is forgotten
    // When something was forgotten last: what was asked before, or rests on less, is worth nothing.
    private volatile long forgottenAll;
    private final AtomicLongArray forgottenSessions = new AtomicLongArray(PLACES);
    private final AtomicLongArray forgottenCookies = new AtomicLongArray(PLACES);
    private ByteString positionAll = ByteString.EMPTY;
    private final ByteString[] positions = new ByteString[PLACES];
    private ByteString heard = ByteString.EMPTY;
    // What no answer may rest on less than, and until when that matters.
    private ByteString least = ByteString.EMPTY;
    private long leastUntil;
    private volatile @Nullable Long wholeUntil;
    private @Nullable Long sweptAt;

    /** An answer, and which numbers would make it worth nothing. */
    private static final class Answer {
        final Look look;
        final long number;
        final String sessionId;
        final int session;
        final int[] cookies;
        final long until;
        final long bytes;

        Answer(Look look, long number, String sessionId, int[] cookies, long until, long bytes) {
            this.look = look;
            this.number = number;
            this.sessionId = sessionId;
            this.session = place(sessionId);
            this.cookies = cookies;
            this.until = until;
            this.bytes = bytes;
        }
    }

    /** A question that is being asked; it brings null to those who wait where its answer is not for them. */
    record Flight(Keys.Key key, long number, long at, CompletableFuture<Verdict.@Nullable Active> answer) {}

    /** What to do about a question: take what is known, wait for who asks, or ask ({@code isOurs}); or it is broken. */
    record Look(Verdict.@Nullable Active known, @Nullable Flight flight, boolean isOurs) {
        private static final Look BROKEN = new Look(null, null, false);
    }

    /** With room for this many answers, by a clock in nanoseconds. */
    Kept(int most, LongSupplier clock) {
        this.most = most;
        this.clock = clock;
        Arrays.fill(positions, ByteString.EMPTY);
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

    /** What is known of the stream, to be shown to an authority that may have heard less. */
    synchronized ByteString knownUpTo() {
        long now = clock.getAsLong();
        ByteString at = isWhole(now) ? heard : ByteString.EMPTY;
        return isLater(least(now), at) ? least(now) : at;
    }

    /**
     * This process has ended or changed something, and the stream tells so up to this position: whoever is asked from
     * now on has to know as much. It is empty where nothing was announced.
     */
    synchronized void hasTold(ByteString position) {
        raise(position, clock.getAsLong());
    }

    private void raise(ByteString position, long now) {
        if (!position.isEmpty()) {
            least = isLater(least(now), position) ? least(now) : position;
            leastUntil = now + STALENESS.toNanos();
        }
    }

    private ByteString least(long now) {
        return leastUntil - now > 0 ? least : ByteString.EMPTY;
    }

    /** Where the stream goes on. */
    synchronized ByteString position() {
        return heard;
    }

    /** How many answers are in memory. */
    int size() {
        return answers.size();
    }

    /** What to do about a question. */
    Look look(Keys.Key key) {
        long now = clock.getAsLong();
        if (!isWhole(now)) {
            return Look.BROKEN;
        }
        Answer answer = answers.get(key);
        return answer != null && isGood(answer, now) ? answer.look : ask(key, now);
    }

    private synchronized Look ask(Keys.Key key, long now) {
        Flight under = asking.get(key);
        // Whoever asks after something was forgotten does not wait for what was asked before.
        if (under != null && under.number() == number) {
            return new Look(null, under, false);
        }
        Flight ours = new Flight(key, number, now, new CompletableFuture<>());
        asking.put(key, ours);
        return new Look(null, ours, true);
    }

    /** Ends a question that was ours, whatever became of it. */
    void ended(Flight flight) {
        synchronized (this) {
            asking.remove(flight.key(), flight);
        }
        flight.answer().complete(null);
    }

    /** Shares an answer with those who wait, and keeps it as long as it allows. */
    void answered(Flight flight, List<Cookie> presented, ValidateSessionResponse answer, Verdict.Active verdict) {
        if (isForKeeping(answer)) {
            keep(flight, presented, answer, verdict);
            flight.answer().complete(verdict);
        }
    }

    /** Shares a failure with those who wait, unless it speaks of the time or the thread of who asked. */
    void failed(Flight flight, GatelodgeException failure) {
        if (failure.code() != Status.Code.CANCELLED && failure.code() != Status.Code.DEADLINE_EXCEEDED) {
            flight.answer().completeExceptionally(failure);
        }
    }

    private synchronized void keep(
            Flight flight, List<Cookie> presented, ValidateSessionResponse answer, Verdict.Active verdict) {
        ActiveSession active = answer.getActive();
        String sessionId = active.getSession().getSessionId();
        int session = place(sessionId);
        int[] cookies =
                presented.stream().mapToInt(cookie -> place(cookie.getValue())).toArray();
        ByteString last = isLater(positions[session], positionAll) ? positions[session] : positionAll;
        long now = clock.getAsLong();
        boolean isStale = flight.number() < lastNumber(session, cookies)
                || isLater(last, active.getEventPosition())
                || isLater(least(now), active.getEventPosition());
        if (isStale || !isWhole(now)) {
            return;
        }
        Keys.Key key = flight.key();
        drop(key, answers.get(key));
        long size = (long) answer.getSerializedSize() + key.size() + BYTES_BESIDE;
        if (!hasRoom(sessionId, size)) {
            sweep(now);
        }
        if (hasRoom(sessionId, size)) {
            com.google.protobuf.Duration keepFor = active.getKeepFor();
            long until = flight.at()
                    + Duration.ofSeconds(keepFor.getSeconds(), keepFor.getNanos())
                            .toNanos();
            Look known = new Look(verdict.withoutSettings(), null, false);
            answers.put(key, new Answer(known, flight.number(), sessionId, cookies, until, size));
            ofSession.computeIfAbsent(sessionId, first -> new HashSet<>()).add(key);
            for (int place : cookies) {
                ofCookie.computeIfAbsent(place, first -> new HashSet<>()).add(key);
            }
            bytes += size;
        }
    }

    private boolean hasRoom(String sessionId, long size) {
        return answers.size() < most
                && bytes + size <= (long) most * BYTES_EACH
                && ofSession.getOrDefault(sessionId, Set.of()).size() < MOST_OF_ONE;
    }

    /** Whoever presents one of these cookies is asked about anew. */
    synchronized void forgetCookies(List<ByteString> values) {
        number++;
        for (ByteString value : values) {
            int place = place(value);
            forgottenCookies.set(place, number);
            dropAll(ofCookie.get(place));
        }
    }

    /** Who has this session is asked about anew. */
    synchronized void forgetSession(String sessionId) {
        forgetSession(sessionId, ByteString.EMPTY);
    }

    private void forgetSession(String sessionId, ByteString position) {
        int place = place(sessionId);
        forgottenSessions.set(place, ++number);
        positions[place] = isLater(position, positions[place]) ? position : positions[place];
        dropAll(ofSession.get(sessionId));
    }

    /** Everything is asked about anew. */
    synchronized void forgetAll() {
        forgetAll(ByteString.EMPTY);
    }

    private void forgetAll(ByteString position) {
        forgottenAll = ++number;
        positionAll = isLater(position, positionAll) ? position : positionAll;
        answers.clear();
        ofSession.clear();
        ofCookie.clear();
        bytes = 0;
    }

    /** Takes in what the stream told. */
    synchronized void hear(WatchSessionsResponse message) {
        ByteString position = message.getPosition();
        if (message.getReset()) {
            // Positions may begin anew, or the authority lags behind: nobody can tell which until what was known has
            // no more weight.
            raise(heard, clock.getAsLong());
            forgetAll();
            positionAll = position;
            Arrays.fill(positions, ByteString.EMPTY);
        }
        for (SessionEvent event : message.getEventsList()) {
            if (IS_ABOUT_ONE.contains(event.getKind()) && !event.getSessionId().isEmpty()) {
                forgetSession(event.getSessionId(), position);
            } else {
                forgetAll(position);
            }
        }
        heard = position;
        wholeUntil = message.hasMaxStaleness() ? clock.getAsLong() + SILENCE.toNanos() : null;
        sweep(clock.getAsLong());
    }

    /** The stream is broken. What is kept may be good again when it goes on where it was. */
    synchronized void broken() {
        wholeUntil = null;
        sweep(clock.getAsLong());
    }

    /** Nothing stays in memory. */
    synchronized void close() {
        wholeUntil = null;
        forgetAll();
    }

    /** Takes out of memory what is of no more use, once a second at most. */
    private void sweep(long now) {
        if (sweptAt == null || now - sweptAt >= SWEEP_EVERY) {
            sweptAt = now;
            answers.forEach((key, answer) -> {
                if (!isGood(answer, now)) {
                    drop(key, answer);
                }
            });
        }
    }

    private void drop(Keys.Key key, @Nullable Answer answer) {
        if (answer != null && answers.remove(key, answer)) {
            ofSession.computeIfPresent(answer.sessionId, (id, keys) -> without(key, keys));
            for (int place : answer.cookies) {
                ofCookie.computeIfPresent(place, (same, keys) -> without(key, keys));
            }
            bytes -= answer.bytes;
        }
    }

    private void dropAll(@Nullable Set<Keys.Key> keys) {
        if (keys != null) {
            List.copyOf(keys).forEach(key -> drop(key, answers.get(key)));
        }
    }

    /** What is left of them; null for none. */
    private static @Nullable Set<Keys.Key> without(Keys.Key key, Set<Keys.Key> keys) {
        keys.remove(key);
        return keys.isEmpty() ? null : keys;
    }

    private boolean isGood(Answer answer, long now) {
        return answer.until - now > 0 && answer.number >= lastNumber(answer.session, answer.cookies);
    }

    private boolean isWhole(long now) {
        Long until = wholeUntil;
        return until != null && until - now > 0;
    }

    private long lastNumber(int session, int[] cookies) {
        long last = Math.max(forgottenAll, forgottenSessions.get(session));
        for (int place : cookies) {
            last = Math.max(last, forgottenCookies.get(place));
        }
        return last;
    }

    private static int place(Object value) {
        return Math.floorMod(value.hashCode() * 0x9E3779B9, PLACES);
    }

    private static boolean isLater(ByteString one, ByteString other) {
        return ByteString.unsignedLexicographicalComparator().compare(one, other) > 0;
    }
}
