package io.github.gatelodge;

import io.github.gatelodge.error.DeadlineExceededException;
import io.github.gatelodge.error.Failure;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.error.StreamEndedException;
import io.github.gatelodge.v1.CheckError;
import io.github.gatelodge.v1.CheckSessionsRequest;
import io.github.gatelodge.v1.CheckSessionsResponse;
import io.github.gatelodge.v1.SessionServiceGrpc;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One stream of checks: whose answer is whose, and what becomes of those that wait when it ends. */
final class CheckStream extends ClientCall.Listener<CheckSessionsResponse> {
    /** Why this side gave a stream up. */
    enum End {
        /** Nobody asked anything for some time. */
        QUIET,
        /** It is there, and carries no answers. */
        STALLED
    }

    private static final Duration OPENS_WITHIN = Duration.ofSeconds(2);
    private static final Duration QUIET = Duration.ofSeconds(10);
    private static final Duration SHORT_LIFE = Duration.ofSeconds(1);
    private static final Duration REST = Duration.ofSeconds(1);

    /**
     * After a stream that an authority does not have, that its caller may not open, or that carried no answer: the
     * authority, the key or what stands between may change one day.
     */
    private static final Duration LONG_REST = Duration.ofMinutes(1);

    /** A question that waited for so long, until its time was up, without anything having come: it is held back. */
    private static final long PATIENCE = Duration.ofMillis(500).toNanos();

    /** So many questions wait at a time: as many as an authority works at. */
    private static final int MOST = 256;

    private final Checks checks;
    private final ClientCall<CheckSessionsRequest, CheckSessionsResponse> call;
    private final long begun = System.nanoTime();
    private final Map<Long, CompletableFuture<@Nullable CheckSessionsResponse>> waiting = new HashMap<>();
    private long asked;
    private long heard;
    private boolean isOpen;
    private boolean hasEnded;
    private @Nullable End end;

    CheckStream(Checks checks, Channel channel) {
        this.checks = checks;
        // Handing out an answer takes no time, so no other thread does it.
        CallOptions options = CallOptions.DEFAULT.withExecutor(Runnable::run);
        this.call = channel.newCall(SessionServiceGrpc.getCheckSessionsMethod(), options);
    }

    /** Opens it. It outlives whoever found that there is enough to ask. */
    void start() {
        Context before = Context.ROOT.attach();
        try {
            synchronized (this) {
                call.start(this, new Metadata());
                call.request(MOST);
            }
        } finally {
            Context.ROOT.detach(before);
        }
        later(OPENS_WITHIN, () -> {
            if (!hasOpened()) {
                giveUp(End.STALLED);
            }
        });
    }

    /** The answer; null when the stream is full, or ended before it. */
    @Nullable
    ValidateSessionResponse ask(ValidateSessionRequest question, @Nullable String requestId, Deadline deadline) {
        long left = Math.max(0, deadline.timeRemaining(TimeUnit.NANOSECONDS));
        CheckSessionsRequest.Builder asking = CheckSessionsRequest.newBuilder().setQuestion(question);
        asking.getTimeoutBuilder().setSeconds(left / 1_000_000_000).setNanos((int) (left % 1_000_000_000));
        if (requestId != null) {
            asking.setRequestId(requestId);
        }
        CompletableFuture<@Nullable CheckSessionsResponse> answer = new CompletableFuture<>();
        long id;
        long before;
        synchronized (this) {
            if (!isOpen || hasEnded || waiting.size() >= MOST) {
                return null;
            }
            id = ++asked;
            before = heard;
            waiting.put(id, answer);
            call.sendMessage(asking.setId(id).build());
        }
        try {
            CheckSessionsResponse said = answer.get(left, TimeUnit.NANOSECONDS);
            return said == null ? null : read(said);
        } catch (TimeoutException late) {
            if (drop(id) == before && left >= PATIENCE) {
                giveUp(End.STALLED);
            }
            String message = "the authority did not answer in time";
            throw new DeadlineExceededException(Failure.of(Status.Code.DEADLINE_EXCEEDED, message));
        } catch (InterruptedException interrupted) {
            drop(id);
            Thread.currentThread().interrupt();
            throw new GatelodgeException(Failure.of(Status.Code.CANCELLED, "the call was given up"));
        } catch (ExecutionException impossible) {
            return null;
        }
    }

    /** For who waits no longer: how many answers have come. */
    private synchronized long drop(long id) {
        waiting.remove(id);
        return heard;
    }

    private synchronized boolean hasOpened() {
        return isOpen;
    }

    @Override
    public void onHeaders(Metadata headers) {
        synchronized (this) {
            isOpen = true;
        }
        checks.opened(this);
        lookForQuiet(0);
    }

    @Override
    public void onMessage(CheckSessionsResponse said) {
        CompletableFuture<@Nullable CheckSessionsResponse> answer;
        synchronized (this) {
            heard++;
            answer = waiting.remove(said.getId());
            call.request(1);
        }
        if (answer != null) {
            answer.complete(said);
        }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        List<CompletableFuture<@Nullable CheckSessionsResponse>> left;
        End ours;
        synchronized (this) {
            hasEnded = true;
            ours = end;
            left = List.copyOf(waiting.values());
            waiting.clear();
        }
        checks.ended(this, ours == null ? status.getCode().toString() : ours.toString(), rest(ours, status, trailers));
        left.forEach(answer -> answer.complete(null));
    }

    /** For how long no other is opened. */
    private Duration rest(@Nullable End ours, Status status, Metadata trailers) {
        if (ours != null) {
            return ours == End.QUIET ? Duration.ZERO : LONG_REST;
        }
        GatelodgeException why = GatelodgeException.of(Failure.of(new StatusRuntimeException(status, trailers)));
        boolean isPolite = status.isOk() || why instanceof StreamEndedException;
        if (isPolite && System.nanoTime() - begun >= SHORT_LIFE.toNanos()) {
            return Duration.ZERO;
        }
        boolean isLasting = status.getCode() == Status.Code.UNIMPLEMENTED || why.isAboutKey() || why.isAboutTenant();
        return isLasting
                ? LONG_REST
                : REST.plusMillis(ThreadLocalRandom.current().nextLong(REST.toMillis() / 2));
    }

    void giveUp(End why) {
        synchronized (this) {
            if (hasEnded) {
                return;
            }
            hasEnded = true;
            end = why;
        }
        call.cancel("the stream of checks is given up", null);
    }

    private void lookForQuiet(long askedBefore) {
        later(QUIET, () -> {
            long now;
            boolean isIdle;
            synchronized (this) {
                if (hasEnded) {
                    return;
                }
                now = asked;
                isIdle = waiting.isEmpty();
            }
            if (now == askedBefore && isIdle) {
                giveUp(End.QUIET);
            } else {
                lookForQuiet(now);
            }
        });
    }

    private static void later(Duration wait, Runnable work) {
        CompletableFuture.delayedExecutor(wait.toNanos(), TimeUnit.NANOSECONDS).execute(work);
    }

    /** One that is unset or unknown has no outcome, which is "could not say". */
    private static ValidateSessionResponse read(CheckSessionsResponse said) {
        if (said.hasError()) {
            throw GatelodgeException.of(failure(said.getError()));
        }
        return said.getAnswer();
    }

    /** The failure that a call would have had. */
    private static Failure failure(CheckError error) {
        Status.Code code = Status.fromCodeValue(error.getCode()).getCode();
        // A question that we still wait for is cancelled by nobody but a timeout.
        boolean isLate = code == Status.Code.CANCELLED;
        com.google.protobuf.Duration after = error.getRetryAfter();
        return new Failure(
                isLate ? Status.Code.DEADLINE_EXCEEDED : code,
                error.getReason().isEmpty() || isLate ? null : error.getReason(),
                error.getMessage(),
                error.getRequestId().isEmpty() ? null : error.getRequestId(),
                error.hasRetryAfter() ? Duration.ofSeconds(after.getSeconds(), after.getNanos()) : null,
                error.getFieldViolationsList().stream()
                        .map(field -> new Failure.FieldViolation(field.getField(), field.getDescription()))
                        .toList(),
                null);
    }
}
