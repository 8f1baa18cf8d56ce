package io.github.gatelodge.testing;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import io.github.gatelodge.v1.SessionEvent;
import io.github.gatelodge.v1.SessionEventKind;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Timer;
import java.util.TimerTask;

/**
 * What the fake tells those who watch its sessions. It is heard at once: whoever keeps answers has forgotten before the
 * test's next line.
 */
final class Events implements AutoCloseable {
    private static final long BEAT_MS = 500;

    private final List<StreamObserver<WatchSessionsResponse>> watching = new ArrayList<>();
    private final Timer clock = new Timer("gatelodge-fake", true);
    private long last;

    Events() {
        TimerTask beat = new TimerTask() {
            @Override
            public void run() {
                tell(WatchSessionsResponse.newBuilder());
            }
        };
        clock.schedule(beat, BEAT_MS, BEAT_MS);
    }

    /** Up to where everything has been told. */
    synchronized ByteString position() {
        return ByteString.copyFrom(ByteBuffer.allocate(Long.BYTES).putLong(last).flip());
    }

    /** A session has ended, or another state. */
    synchronized void changed(String sessionId) {
        last++;
        tell(WatchSessionsResponse.newBuilder()
                .addEvents(SessionEvent.newBuilder()
                        .setKind(SessionEventKind.SESSION_EVENT_KIND_CHANGED)
                        .setSessionId(sessionId)));
    }

    /** Anything may be different. */
    synchronized void allChanged() {
        last++;
        tell(WatchSessionsResponse.newBuilder().setReset(true));
    }

    /** Begins to tell, of what happens from now on. */
    synchronized void watch(StreamObserver<WatchSessionsResponse> to) {
        if (to instanceof ServerCallStreamObserver<WatchSessionsResponse> call) {
            call.setOnCancelHandler(() -> leave(to));
        }
        watching.add(to);
        to.onNext(told(WatchSessionsResponse.newBuilder().setReset(true)));
    }

    private synchronized void leave(StreamObserver<WatchSessionsResponse> to) {
        watching.remove(to);
    }

    /** Ends every stream, as when the connection breaks. */
    synchronized void breakOff() {
        watching.forEach(one -> one.onError(Entrance.away().asRuntimeException()));
        watching.clear();
    }

    private synchronized void tell(WatchSessionsResponse.Builder said) {
        WatchSessionsResponse message = told(said);
        List.copyOf(watching).forEach(one -> one.onNext(message));
    }

    private WatchSessionsResponse told(WatchSessionsResponse.Builder said) {
        return said.setPosition(position())
                .setMaxStaleness(Duration.newBuilder().setSeconds(5))
                .build();
    }

    @Override
    public void close() {
        clock.cancel();
    }
}
