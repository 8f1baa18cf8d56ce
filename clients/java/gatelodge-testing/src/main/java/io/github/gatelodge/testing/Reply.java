package io.github.gatelodge.testing;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;

/** Sends the one answer of a call. */
final class Reply {
    private Reply() {}

    static <A> void to(StreamObserver<A> caller, A answer) {
        caller.onNext(answer);
        caller.onCompleted();
    }

    static void failure(StreamObserver<?> caller, StatusRuntimeException failure) {
        caller.onError(failure);
    }
}
