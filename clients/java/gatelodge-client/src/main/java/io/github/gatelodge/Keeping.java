package io.github.gatelodge;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.github.gatelodge.error.DeadlineExceededException;
import io.github.gatelodge.error.Failure;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.error.OverloadedException;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.SessionServiceGrpc;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsRequest;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.Context.CancellableContext;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Set;
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
    private @Nullable Stream stream;
    private long longestWait = FIRST_WAIT.toNanos();
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

    /** What a call ends beside the sessions of its cookies. */
    @FunctionalInterface
    interface Ends<A> {
        Set<Status.Code> REFUSALS = Set.of(
                Status.Code.INVALID_ARGUMENT,
                Status.Code.UNAUTHENTICATED,
                Status.Code.PERMISSION_DENIED,
                Status.Code.FAILED_PRECONDITION,
                Status.Code.UNIMPLEMENTED);

        /** Forgets it, by the answer. */
        void forget(Kept kept, A answer);

        /** Whether a failure says that nothing was done: anybody can have a call fail so. */
        default boolean isRefusal(GatelodgeException failure) {
            return REFUSALS.contains(failure.code()) || failure instanceof OverloadedException;
        }
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
            boolean isNothing =
                    !isRepeated.get() && failed instanceof GatelodgeException failure && ends.isRefusal(failure);
            if (!isNothing) {
                kept.forgetAll();
            }
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
        if (stream == null && !isClosed) {
            stream = new Stream();
            stream.open();
        }
    }

    /** Watches again, after a pause that grows while no stream lasts. */
    private synchronized void again() {
        kept.broken();
        if (isClosed) {
            return;
        }
        long pause = longestWait / 2 + ThreadLocalRandom.current().nextLong(longestWait / 2);
        longestWait = Math.min(longestWait * 2, LONGEST_WAIT.toNanos());
        Stream next = new Stream();
        stream = next;
        CompletableFuture.delayedExecutor(pause, TimeUnit.NANOSECONDS).execute(next::open);
    }

    private synchronized void lasts() {
        longestWait = FIRST_WAIT.toNanos();
    }

    /** One stream of what happens to sessions, from when it is opened until it ends. */
    private final class Stream implements StreamObserver<WatchSessionsResponse> {
        private final AtomicBoolean hasEnded = new AtomicBoolean();
        private final AtomicLong messages = new AtomicLong();
        private volatile long begun = System.nanoTime();
        private volatile @Nullable CancellableContext context;

        void open() {
            if (hasEnded.get()) {
                return; // it was closed before it began
            }
            begun = System.nanoTime();
            expect(0);
            WatchSessionsRequest question = WatchSessionsRequest.newBuilder()
                    .setAfterPosition(kept.position())
                    .build();
            context = caller.follow(SessionServiceGrpc.getWatchSessionsMethod(), question, this);
            if (hasEnded.get()) {
                close(); // meanwhile
            }
        }

        @Override
        public void onNext(WatchSessionsResponse message) {
            if (hasEnded.get()) {
                return;
            }
            kept.hear(message);
            if (System.nanoTime() - begun > LONGEST_WAIT.toNanos()) {
                lasts();
            }
            expect(messages.incrementAndGet());
        }

        @Override
        public void onError(Throwable broken) {
            LOG.log(Level.DEBUG, "sessions are not watched, every one is asked about: {0}", broken.getMessage());
            onCompleted();
        }

        @Override
        public void onCompleted() {
            if (hasEnded.compareAndSet(false, true)) {
                again();
            }
        }

        /** Ends a stream that says nothing more after so many messages. */
        private void expect(long count) {
            CompletableFuture.delayedExecutor(SILENT.toMillis(), TimeUnit.MILLISECONDS)
                    .execute(() -> {
                        if (messages.get() == count && !hasEnded.get()) {
                            close();
                            onCompleted();
                        }
                    });
        }

        void close() {
            CancellableContext open = context;
            if (open != null) {
                open.cancel(null);
            }
        }
    }

    @Override
    public void close() {
        Stream open;
        synchronized (this) {
            isClosed = true;
            open = stream;
        }
        kept.close();
        if (open != null) {
            open.hasEnded.set(true);
            open.close();
        }
    }
}
