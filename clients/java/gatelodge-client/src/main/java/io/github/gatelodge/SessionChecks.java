package io.github.gatelodge;

import io.github.gatelodge.error.Failure;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.v1.CheckSessionsRequest;
import io.github.gatelodge.v1.CheckSessionsResponse;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Many questions about sessions on one stream, as CheckSessions answers them: each as a call of its own would be, in
 * whatever order the answers are ready, by the id that the question had. What it reads is unread: an error of one
 * question is a message, and not all that is active is a yes (see {@link SessionCalls#check}).
 *
 * <p>One thread may ask while another reads; closing, from any thread, ends both. Asking waits while the authority has
 * as many questions as it works at, so whoever asks very many reads beside it.
 */
public final class SessionChecks implements AutoCloseable, Iterator<CheckSessionsResponse> {
    /** So many answers may lie here unread: as many as an authority works at. */
    private static final int MOST = 256;

    private final ClientCall<CheckSessionsRequest, CheckSessionsResponse> call;
    private final Function<StatusRuntimeException, GatelodgeException> reader;
    private final Queue<CheckSessionsResponse> unread = new ArrayDeque<>();
    private boolean isFinished;
    private boolean isClosed;
    private @Nullable StatusRuntimeException end;

    SessionChecks(
            ClientCall<CheckSessionsRequest, CheckSessionsResponse> call,
            Function<StatusRuntimeException, GatelodgeException> reader) {
        this.call = call;
        this.reader = reader;
        call.start(new Heard(), new Metadata());
        call.request(MOST);
    }

    /**
     * Asks. The question's id has to be new on this stream.
     *
     * @throws GatelodgeException the stream has ended: ask again on another what was not answered
     * @throws IllegalStateException it was said before that there is nothing further to ask
     */
    public synchronized void ask(CheckSessionsRequest question) {
        if (isFinished) {
            throw new IllegalStateException("no question follows after finish()");
        }
        waitWhile(() -> !isClosed && end == null && !call.isReady());
        if (isClosed) {
            throw new GatelodgeException(Failure.of(Status.Code.CANCELLED, "the stream is closed"));
        }
        if (end != null) {
            throw reader.apply(end);
        }
        call.sendMessage(question);
    }

    /** Says that no question follows. The stream ends when those that were asked are answered. */
    public synchronized void finish() {
        if (!isFinished && !isClosed && end == null) {
            call.halfClose();
        }
        isFinished = true;
    }

    /**
     * Waits for the next answer; false when the stream has ended as it was asked to.
     *
     * @throws GatelodgeException the stream broke off: ask again on another what was not answered
     */
    @Override
    public synchronized boolean hasNext() {
        waitWhile(() -> unread.isEmpty() && !isClosed && end == null);
        if (!unread.isEmpty()) {
            return true;
        }
        if (isClosed || end == null || end.getStatus().isOk()) {
            return false;
        }
        throw reader.apply(end);
    }

    @Override
    public synchronized CheckSessionsResponse next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the stream has ended");
        }
        CheckSessionsResponse answer = unread.remove();
        call.request(1);
        return answer;
    }

    /** Ends the stream. */
    @Override
    public synchronized void close() {
        isClosed = true;
        unread.clear();
        call.cancel("the stream is closed", null);
        notifyAll();
    }

    private synchronized void waitWhile(BooleanSupplier holds) {
        try {
            while (holds.getAsBoolean()) {
                wait();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new GatelodgeException(Failure.of(Status.Code.CANCELLED, "the call was given up"));
        }
    }

    private synchronized void change(Runnable change) {
        change.run();
        notifyAll();
    }

    /** What comes from the authority. */
    private final class Heard extends ClientCall.Listener<CheckSessionsResponse> {
        @Override
        public void onReady() {
            change(() -> {});
        }

        @Override
        public void onMessage(CheckSessionsResponse answer) {
            change(() -> {
                if (!isClosed) {
                    unread.add(answer);
                }
            });
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            change(() -> end = new StatusRuntimeException(status, trailers));
        }
    }
}
