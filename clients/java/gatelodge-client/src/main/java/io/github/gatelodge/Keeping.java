package io.github.gatelodge;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.github.gatelodge.error.DeadlineExceededException;
import io.github.gatelodge.error.Failure;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.SessionServiceGrpc;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsRequest;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks sessions with what is kept, and watches what happens to them from the first answer that may be kept: one
 * stream, made again whenever it ends, going on where it was. Questions that are equal and asked at the same time are
 * asked once.
 */
final class Keeping implements AutoCloseable {
    private static final Logger LOG = System.getLogger("io.github.gatelodge");
    private static final Duration FIRST_WAIT = Duration.ofMillis(100);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

    /** A stream that says nothing for so long is made again. It counts as broken long before. */
    private static final Duration SILENT = Duration.ofSeconds(4);

    private final Keys keys = new Keys();
    private final Kept kept;
    private final Caller caller;
    private @Nullable Thread thread;
    private @Nullable SessionWatch watch;
    private boolean isClosed;

    Keeping(int most, Caller caller) {
        this.kept = new Kept(most, System::nanoTime);
        this.caller = caller;
    }

    /** Asks the authority, within so much time. */
    @FunctionalInterface
    interface Asking {
        ValidateSessionResponse ask(ValidateSessionRequest question, Duration within);
    }

    /** Checks a session, however it comes to its answer within this time; {@code asking} is what asks the authority. */
    Verdict check(ValidateSessionRequest given, Duration within, Asking asking) {
        Keys.Key key = keys.of(given);
        Duration left = within;
        if (key != null) {
            Kept.Look look = kept.look(key);
            if (look.known() != null) {
                return look.known();
            }
            Kept.Flight flight = look.flight();
            if (flight != null && look.isOurs()) {
                return ask(flight, given, within, asking);
            }
            if (flight != null) {
                long begun = System.nanoTime();
                Verdict shared = await(flight, within);
                if (shared != null) {
                    return shared;
                }
                left = within.minusNanos(System.nanoTime() - begun);
                if (left.isNegative() || left.isZero()) {
                    throw late();
                }
            }
        }
        ValidateSessionResponse answer = asking.ask(current(given), left);
        if (Kept.isForKeeping(answer)) {
            watch();
        }
        return Verdict.read(given, answer);
    }

    private Verdict ask(Kept.Flight flight, ValidateSessionRequest given, Duration within, Asking asking) {
        try {
            ValidateSessionResponse answer = asking.ask(current(given), within);
            Verdict verdict = Verdict.read(given, answer);
            if (verdict instanceof Verdict.Active active) {
                kept.answered(flight, given.getCookiesList(), answer, active);
            }
            return verdict;
        } catch (GatelodgeException failure) {
            kept.failed(flight, failure);
            throw failure;
        } finally {
            kept.ended(flight);
        }
    }

    /**
     * Makes a call that changes the session behind cookies: whatever becomes of it, nothing kept of it is used any
     * more.
     */
    <A> A changing(List<Cookie> cookies, Supplier<A> call) {
        try {
            return told(call.get());
        } finally {
            kept.forgetCookies(cookies.stream().map(Cookie::getValue).toList());
        }
    }

    /** Forgets what a call has ended beside the sessions of its cookies, by its answer. */
    @FunctionalInterface
    interface Ends<A> {
        void forget(Kept kept, A answer);
    }

    /** Makes a call, and says of each repeat that there is one. */
    @FunctionalInterface
    interface Repeating<A> {
        A call(Runnable onRepeat);
    }

    /**
     * As {@link #changing}, for a call that ends sessions, and perhaps more than these. Without an answer nobody knows
     * which, and one to a repeat does not say what its first attempt did: then nothing that is kept is used any more.
     */
    <A> A ending(List<Cookie> cookies, Ends<A> ends, Repeating<A> call) {
        AtomicBoolean isRepeated = new AtomicBoolean();
        A answer;
        try {
            answer = changing(cookies, () -> call.call(() -> isRepeated.set(true)));
        } catch (Throwable failed) {
            kept.forgetAll();
            throw failed;
        }
        if (isRepeated.get()) {
            kept.forgetAll();
        } else {
            ends.forget(kept, answer);
        }
        return answer;
    }

    /** Takes note of where the stream tells what an answer says was done. */
    private <A> A told(A answer) {
        if (answer instanceof Message message) {
            FieldDescriptor position = message.getDescriptorForType().findFieldByName("event_position");
            if (position != null) {
                kept.hasTold((ByteString) message.getField(position));
            }
        }
        return answer;
    }

    private ValidateSessionRequest current(ValidateSessionRequest given) {
        ByteString known = kept.knownUpTo();
        return known.isEmpty() || !given.getAsOfPosition().isEmpty()
                ? given
                : given.toBuilder().setAsOfPosition(known).build();
    }

    private static @Nullable Verdict await(Kept.Flight flight, Duration within) {
        try {
            return flight.answer().get(within.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException late) {
            throw late();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new GatelodgeException(Failure.of(Status.Code.CANCELLED, "the call was given up"));
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof GatelodgeException failure) {
                throw failure;
            }
            return null;
        }
    }

    private static GatelodgeException late() {
        return new DeadlineExceededException(
                Failure.of(Status.Code.DEADLINE_EXCEEDED, "the authority did not answer in time"));
    }

    private synchronized void watch() {
        if (thread == null && !isClosed) {
            thread = new Thread(this::keepWatching, "gatelodge-watch");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void keepWatching() {
        AtomicLong wait = new AtomicLong(FIRST_WAIT.toNanos());
        try {
            while (true) {
                try (SessionWatch stream = begin()) {
                    if (stream == null) {
                        return;
                    }
                    follow(stream, wait);
                } catch (GatelodgeException broken) {
                    LOG.log(
                            Level.DEBUG,
                            "sessions are not watched, every one is asked about: {0}",
                            broken.getMessage());
                }
                kept.broken();
                long longest = wait.get();
                TimeUnit.NANOSECONDS.sleep(
                        longest / 2 + ThreadLocalRandom.current().nextLong(longest / 2));
                wait.set(Math.min(longest * 2, LONGEST_WAIT.toNanos()));
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized @Nullable SessionWatch begin() {
        if (isClosed) {
            return null;
        }
        WatchSessionsRequest question = WatchSessionsRequest.newBuilder()
                .setAfterPosition(kept.position())
                .build();
        watch = caller.watch(SessionServiceGrpc.getWatchSessionsMethod(), question);
        return watch;
    }

    private void follow(SessionWatch stream, AtomicLong wait) {
        long begun = System.nanoTime();
        AtomicLong messages = new AtomicLong();
        expect(stream, messages, 0);
        while (stream.hasNext()) {
            kept.hear(stream.next());
            if (System.nanoTime() - begun > LONGEST_WAIT.toNanos()) {
                wait.set(FIRST_WAIT.toNanos()); // it lasts
            }
            expect(stream, messages, messages.incrementAndGet());
        }
    }

    /** Ends a stream that has said nothing since it had brought so many messages. */
    private static void expect(SessionWatch stream, AtomicLong messages, long count) {
        CompletableFuture.delayedExecutor(SILENT.toMillis(), TimeUnit.MILLISECONDS)
                .execute(() -> {
                    if (messages.get() == count) {
                        stream.close();
                    }
                });
    }

    @Override
    public synchronized void close() {
        isClosed = true;
        kept.close();
        if (watch != null) {
            watch.close();
        }
        if (thread != null) {
            thread.interrupt();
        }
    }
}
