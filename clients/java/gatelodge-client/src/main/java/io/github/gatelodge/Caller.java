package io.github.gatelodge;

import io.github.gatelodge.error.DeadlineExceededException;
import io.github.gatelodge.error.Failure;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.error.ProviderUnavailableException;
import io.github.gatelodge.error.UnreachableException;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.SessionServiceGrpc;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Deadline;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Carries every call: deadline, request id, retries, errors. Does not know what is asked. */
final class Caller {
    private static final Duration FIRST_WAIT = Duration.ofMillis(50);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(1);
    // An authority that can't be reached is asked once more and no oftener: a person waits. But it may be starting
    // again.
    private static final int REPEATS_UNREACHED = 1;
    private static final Duration UNREACHED_WAIT = Duration.ofMillis(500);
    // What gRPC makes of an answer in plain HTTP. An authority gives a reason with these.
    private static final Set<Status.Code> STRANGE =
            Set.of(Status.Code.UNKNOWN, Status.Code.UNIMPLEMENTED, Status.Code.INTERNAL);

    private final Link link;
    private final @Nullable Duration timeout;
    private final @Nullable String requestId;

    Caller(Link link, @Nullable Duration timeout, @Nullable String requestId) {
        this.link = link;
        this.timeout = timeout;
        this.requestId = requestId;
    }

    Caller withTimeout(Duration other) {
        return new Caller(link, other, requestId);
    }

    Caller forRequest(String id) {
        return new Caller(link, timeout, id);
    }

    /**
     * Sends until there is an answer, a failure that a repeat can't mend, or no time left.
     *
     * <p>Invariant: only UNAVAILABLE is repeated, only where the contract says that it is safe, never sooner than the
     * authority asked for, never past the deadline, and once at most while no authority can be reached.
     */
    <Q, A> A call(MethodDescriptor<Q, A> method, Manner manner, Q question) {
        return call(method, manner, question, () -> {});
    }

    private <Q, A> A call(MethodDescriptor<Q, A> method, Manner manner, Q question, Runnable onRepeat) {
        return repeat(
                manner, options -> ClientCalls.blockingUnaryCall(link.channel(), method, options, question), onRepeat);
    }

    private <A> A repeat(Manner manner, Function<CallOptions, A> send, Runnable onRepeat) {
        Duration within = timeout == null ? manner.timeout : timeout;
        CallOptions options = options().withDeadline(Deadline.after(within.toNanos(), TimeUnit.NANOSECONDS));
        GatelodgeException earlier = null;
        int repeats = manner.repeats;
        Duration longest = FIRST_WAIT;
        while (true) {
            GatelodgeException failure;
            try {
                link.reconnect();
                return send.apply(options);
            } catch (StatusRuntimeException failed) {
                failure = read(failed);
            } catch (GatelodgeException failed) {
                failure = failed;
            }
            if (failure instanceof DeadlineExceededException && earlier != null) {
                throw earlier; // it says more than the repeat that ran out of time
            }
            if (failure instanceof UnreachableException) {
                repeats = Math.min(repeats, REPEATS_UNREACHED);
                longest = UNREACHED_WAIT;
            }
            Duration wait = noSooner(jittered(longest), failure);
            if (repeats == 0 || !isWorthRepeating(failure) || !fits(wait, options)) {
                throw failure;
            }
            sleep(wait, failure);
            onRepeat.run();
            earlier = failure;
            repeats--;
            Duration doubled = longest.multipliedBy(2);
            longest = doubled.compareTo(LONGEST_WAIT) < 0 ? doubled : LONGEST_WAIT;
        }
    }

    /** As {@link #call}, for one that changes the session behind cookies: nothing kept of it is used afterwards. */
    <Q, A> A changing(MethodDescriptor<Q, A> method, Manner manner, Q question, List<Cookie> cookies) {
        Keeping keeping = link.keeping();
        return keeping == null
                ? call(method, manner, question)
                : keeping.changing(cookies, () -> call(method, manner, question));
    }

    /** As {@link #changing}, for one that ends sessions, and perhaps more than these: see {@link Keeping#ending}. */
    <Q, A> A ending(
            MethodDescriptor<Q, A> method, Manner manner, Q question, List<Cookie> cookies, Keeping.Ends<A> ends) {
        Keeping keeping = link.keeping();
        return keeping == null
                ? call(method, manner, question)
                : keeping.ending(cookies, ends, onRepeat -> call(method, manner, question, onRepeat));
    }

    /** As {@link #ending}, for one that may end any session. */
    <Q, A> A endingAny(MethodDescriptor<Q, A> method, Manner manner, Q question) {
        return ending(method, manner, question, List.of(), (kept, answer) -> kept.forgetAll());
    }

    /** Checks a session, with what is kept. */
    Verdict check(ValidateSessionRequest question) {
        Keeping keeping = link.keeping();
        if (keeping == null) {
            return Verdict.read(question, validate(question));
        }
        Duration within = timeout == null ? Manner.SAFE.timeout : timeout;
        return keeping.check(
                question, within, (asked, left) -> withTimeout(left).validate(asked));
    }

    /** Asks about a session: by a stream that many share, or by a call. */
    ValidateSessionResponse validate(ValidateSessionRequest question) {
        MethodDescriptor<ValidateSessionRequest, ValidateSessionResponse> method =
                SessionServiceGrpc.getValidateSessionMethod();
        Checks checks = link.checks();
        // What a context of gRPC's own says (a deadline, a cancellation) belongs to a call.
        if (checks == null || Context.current() != Context.ROOT) {
            return call(method, Manner.SAFE, question);
        }
        checks.begin();
        try {
            return repeat(
                    Manner.SAFE,
                    options -> {
                        ValidateSessionResponse shared =
                                checks.ask(question, requestId, Objects.requireNonNull(options.getDeadline()));
                        return shared != null
                                ? shared
                                : ClientCalls.blockingUnaryCall(link.channel(), method, options, question);
                    },
                    () -> {});
        } finally {
            checks.end();
        }
    }

    /** What a stream is read by. */
    interface Opened<A, W extends Watch<A>> {
        W as(
                CancellableContext context,
                Iterator<A> messages,
                Function<StatusRuntimeException, GatelodgeException> reader);
    }

    /** Opens a stream, which has no deadline and is not repeated. */
    <Q, A, W extends Watch<A>> W watch(MethodDescriptor<Q, A> method, Q question, Opened<A, W> opened) {
        link.reconnect();
        CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        try {
            Iterator<A> messages = ClientCalls.blockingServerStreamingCall(link.channel(), method, options(), question);
            return opened.as(context, messages, this::read);
        } finally {
            context.detach(before);
        }
    }

    /** Opens a stream of checks, which has no deadline and is not repeated. */
    SessionChecks checks() {
        link.reconnect();
        // What comes is put down and no more, so no other thread does it.
        CallOptions options = options().withExecutor(Runnable::run);
        return new SessionChecks(
                link.channel().newCall(SessionServiceGrpc.getCheckSessionsMethod(), options), this::read);
    }

    /** Opens a stream whose messages are heard as they come, until the context is cancelled. */
    <Q> CancellableContext follow(
            MethodDescriptor<Q, WatchSessionsResponse> method, Q question, StreamObserver<WatchSessionsResponse> to) {
        link.reconnect();
        CancellableContext context = Context.ROOT.withCancellation(); // it outlives the request that begins it
        context.run(
                () -> ClientCalls.asyncServerStreamingCall(link.channel().newCall(method, options()), question, to));
        return context;
    }

    private CallOptions options() {
        return requestId == null
                ? CallOptions.DEFAULT
                : CallOptions.DEFAULT.withOption(Credentials.REQUEST_ID, requestId);
    }

    private GatelodgeException read(StatusRuntimeException failed) {
        Failure failure = Failure.of(failed);
        if (link.isClosed()) {
            return new GatelodgeException(Failure.of(Status.Code.CANCELLED, "the client is closed"));
        }
        if (failed.getCause() instanceof InterruptedException) {
            return new GatelodgeException(Failure.of(Status.Code.CANCELLED, "the call was given up"));
        }
        boolean isLate = failure.code() == Status.Code.CANCELLED || failure.code() == Status.Code.DEADLINE_EXCEEDED;
        if (isLate && failure.reason() == null) {
            // A unary call that we still wait for is cancelled by nobody but a timeout, here or at the authority.
            String message = "the authority at " + link.address() + " did not answer in time";
            return new DeadlineExceededException(Failure.of(Status.Code.DEADLINE_EXCEEDED, message));
        }
        if (failure.code() == Status.Code.UNAVAILABLE && failure.reason() == null) {
            return GatelodgeException.unreachable(failure, link.address());
        }
        if (failure.reason() == null && STRANGE.contains(failure.code())) {
            return GatelodgeException.stranger(failure, link.address());
        }
        return GatelodgeException.of(failure);
    }

    // A provider in trouble may have spent the refresh token that it was sent: to send it again could end the whole
    // grant.
    private static boolean isWorthRepeating(GatelodgeException failure) {
        return failure.code() == Status.Code.UNAVAILABLE && !(failure instanceof ProviderUnavailableException);
    }

    private static Duration noSooner(Duration wait, GatelodgeException failure) {
        return failure.retryAfter().filter(asked -> asked.compareTo(wait) > 0).orElse(wait);
    }

    private static boolean fits(Duration wait, CallOptions options) {
        Deadline deadline = options.getDeadline();
        return deadline == null || deadline.timeRemaining(TimeUnit.NANOSECONDS) > wait.toNanos();
    }

    private static void sleep(Duration wait, GatelodgeException failure) {
        try {
            TimeUnit.NANOSECONDS.sleep(wait.toNanos());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw failure;
        }
    }

    /** A time between half of longest and all of it. */
    private static Duration jittered(Duration longest) {
        long half = longest.toNanos() / 2;
        return Duration.ofNanos(half + ThreadLocalRandom.current().nextLong(half + 1));
    }
}
