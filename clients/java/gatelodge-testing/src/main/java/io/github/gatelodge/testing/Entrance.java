package io.github.gatelodge.testing;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import io.github.gatelodge.error.CallerUnauthenticatedException;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

/** What stands before every call of the fake: the key, and the trouble that a test asked for. */
final class Entrance implements ServerInterceptor {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> X_REQUEST_ID =
            Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
    private static final Context.Key<String> REQUEST_ID = Context.keyWithDefault("x-request-id", "");

    enum Trouble {
        NONE,
        AWAY,
        SLOW
    }

    volatile Trouble trouble = Trouble.NONE;

    /** That of the call which is being answered; empty when it has none. */
    static String requestId() {
        return REQUEST_ID.get();
    }

    /** Answers a question of a stream as the call that it would have been. */
    static void as(String requestId, Runnable call) {
        Context.current().withValue(REQUEST_ID, requestId).run(call);
    }

    /** What nobody can reach answers. */
    static Status away() {
        return Status.UNAVAILABLE.withDescription("nothing listens there");
    }

    /** What a call fails with, and why. */
    static StatusRuntimeException failure(Status.Code code, String reason, String message) {
        ErrorInfo info = ErrorInfo.newBuilder()
                .setDomain("gatelodge")
                .setReason(reason)
                .putMetadata("request_id", requestId())
                .build();
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(code.value())
                .setMessage(message)
                .addDetails(Any.pack(info))
                .build());
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        if (trouble == Trouble.SLOW) {
            return new ServerCall.Listener<>() {}; // no answer ever comes
        }
        if (trouble == Trouble.AWAY) {
            call.close(away(), new Metadata());
            return new ServerCall.Listener<>() {};
        }
        boolean isProbe = call.getMethodDescriptor().getFullMethodName().startsWith("grpc.health.");
        if (!isProbe && !("Bearer " + FakeAuthority.API_KEY).equals(headers.get(AUTHORIZATION))) {
            StatusRuntimeException refused = failure(
                    Status.Code.UNAUTHENTICATED,
                    CallerUnauthenticatedException.REASON,
                    "The call came without a valid API key.");
            Metadata details = refused.getTrailers();
            call.close(refused.getStatus(), details == null ? new Metadata() : details);
            return new ServerCall.Listener<>() {};
        }
        String id = headers.get(X_REQUEST_ID);
        Context context = Context.current().withValue(REQUEST_ID, id == null ? "" : id);
        return Contexts.interceptCall(context, call, headers, next);
    }
}
