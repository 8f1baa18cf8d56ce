package io.github.gatelodge.testing;

import io.github.gatelodge.error.Failure;
import io.github.gatelodge.v1.CheckError;
import io.github.gatelodge.v1.CheckSessionsRequest;
import io.github.gatelodge.v1.CheckSessionsResponse;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.Objects;

/**
 * A stream of checks: each question is answered as a call of its own would be. None is while the fake is slow, and the
 * stream ends while it is away.
 */
final class FakeChecks implements StreamObserver<CheckSessionsRequest> {
    private final FakeSessions sessions;
    private final Entrance entrance;
    private final StreamObserver<CheckSessionsResponse> to;
    private boolean hasEnded;

    FakeChecks(FakeSessions sessions, Entrance entrance, StreamObserver<CheckSessionsResponse> to) {
        this.sessions = sessions;
        this.entrance = entrance;
        this.to = to;
    }

    @Override
    public void onNext(CheckSessionsRequest asked) {
        if (hasEnded || entrance.trouble == Entrance.Trouble.SLOW) {
            return;
        }
        if (entrance.trouble == Entrance.Trouble.AWAY) {
            hasEnded = true;
            to.onError(Entrance.away().asRuntimeException());
            return;
        }
        Entrance.as(asked.getRequestId(), () -> sessions.validateSession(asked.getQuestion(), new Answer(asked, to)));
    }

    @Override
    public void onError(Throwable gone) {
        hasEnded = true;
    }

    @Override
    public void onCompleted() {
        if (!hasEnded) {
            hasEnded = true;
            to.onCompleted();
        }
    }

    /** What a call would have been answered, as the answer to a question. */
    private record Answer(CheckSessionsRequest asked, StreamObserver<CheckSessionsResponse> to)
            implements StreamObserver<ValidateSessionResponse> {
        @Override
        public void onNext(ValidateSessionResponse answer) {
            send(CheckSessionsResponse.newBuilder().setAnswer(answer));
        }

        @Override
        public void onError(Throwable failed) {
            Failure failure = Failure.of((StatusRuntimeException) failed);
            send(CheckSessionsResponse.newBuilder()
                    .setError(CheckError.newBuilder()
                            .setCode(failure.code().value())
                            .setReason(Objects.requireNonNullElse(failure.reason(), ""))
                            .setMessage(failure.message())
                            .setRequestId(asked.getRequestId())));
        }

        @Override
        public void onCompleted() {}

        private void send(CheckSessionsResponse.Builder said) {
            to.onNext(said.setId(asked.getId()).build());
        }
    }
}
