package io.github.gatelodge.servlet;

import com.google.protobuf.ByteString;
import io.github.gatelodge.edge.Answer;
import io.github.gatelodge.edge.EdgeCall;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Reads the body that a route wants, bounded in size and time, and answers then. No thread waits for a slow one. Where
 * a filter stands before this one that does not support asynchronous requests, the container's own limit of time
 * counts.
 */
final class Form implements ReadListener {
    private static final Logger LOG = System.getLogger("io.github.gatelodge");
    private static final ScheduledExecutorService CLOCK = clock();

    private final EdgeCall call;
    private final AsyncContext context;
    private final ServletInputStream body;
    private final ScheduledFuture<?> limit;
    private final AtomicBoolean isAnswered = new AtomicBoolean();
    private ByteString form = ByteString.EMPTY;

    private Form(EdgeCall call, AsyncContext context, ServletInputStream body) {
        this.call = call;
        this.context = context;
        this.body = body;
        this.limit = CLOCK.schedule(this::isLate, EdgeCall.BODY_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    }

    static void read(EdgeCall call, HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (!request.isAsyncSupported()) {
            Sent.write(blocking(call, request), request, response);
            return;
        }
        AsyncContext context = request.startAsync(request, response);
        context.setTimeout(0);
        ServletInputStream body = request.getInputStream();
        Form form = new Form(call, context, body);
        try {
            body.setReadListener(form);
        } catch (UnsupportedOperationException blockingAlone) {
            // The requests of Spring's tests say that they can, and can't.
            form.answer(false, () -> blocking(call, request));
        }
    }

    private static Answer blocking(EdgeCall call, HttpServletRequest request) {
        try {
            return call.answer(ByteString.copyFrom(request.getInputStream().readNBytes(call.bodyBytes())));
        } catch (IOException broken) {
            return call.broken();
        }
    }

    @Override
    public void onDataAvailable() throws IOException {
        byte[] part = new byte[8192];
        while (form.size() < call.bodyBytes() && body.isReady()) {
            int read = body.read(part, 0, Math.min(part.length, call.bodyBytes() - form.size()));
            if (read < 0) {
                return;
            }
            form = form.concat(ByteString.copyFrom(part, 0, read));
        }
        if (form.size() == call.bodyBytes()) {
            answer(false, () -> call.answer(form));
        }
    }

    @Override
    public void onAllDataRead() {
        answer(false, () -> call.answer(form));
    }

    @Override
    public void onError(Throwable broken) {
        refuse(call::broken);
    }

    /** A browser that is slow to send is slow to read: the clock, which all requests share, writes nothing itself. */
    private void isLate() {
        if (!isAnswered.get()) {
            context.start(() -> refuse(call::late));
        }
    }

    /** Answers where the rest of the body is not waited for: the connection is of no further use. */
    private void refuse(Supplier<Answer> answer) {
        answer(true, answer);
    }

    /**
     * Invariant: request and response are touched by one thread, once, before they are complete: after that they are
     * another browser's.
     */
    private void answer(boolean isLast, Supplier<Answer> answer) {
        if (!isAnswered.compareAndSet(false, true)) {
            return;
        }
        limit.cancel(false);
        try {
            HttpServletResponse response = (HttpServletResponse) context.getResponse();
            if (isLast) {
                response.setHeader("Connection", "close");
            }
            Sent.write(answer.get(), (HttpServletRequest) context.getRequest(), response);
        } catch (IOException gone) {
            LOG.log(Level.DEBUG, "a browser did not wait for its answer", gone);
        } finally {
            context.complete();
        }
    }

    private static ScheduledExecutorService clock() {
        ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, work -> {
            Thread thread = new Thread(work, "gatelodge-forms");
            thread.setDaemon(true);
            return thread;
        });
        clock.setRemoveOnCancelPolicy(true);
        clock.setKeepAliveTime(1, TimeUnit.MINUTES);
        clock.allowCoreThreadTimeOut(true);
        return clock;
    }
}
