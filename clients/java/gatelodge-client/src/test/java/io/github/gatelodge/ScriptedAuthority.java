package io.github.gatelodge;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.github.gatelodge.v1.AdminServiceGrpc.AdminServiceImplBase;
import io.github.gatelodge.v1.LoginServiceGrpc.LoginServiceImplBase;
import io.github.gatelodge.v1.SessionServiceGrpc.SessionServiceImplBase;
import io.github.gatelodge.v1.TokenServiceGrpc.TokenServiceImplBase;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * An authority whose every answer a test writes: for each method one answer after the other, and the last again and
 * again. A method for which nothing is written gives an empty answer.
 */
public final class ScriptedAuthority implements AutoCloseable, ServerInterceptor {
    public static final String KEY = "glk_canary";

    /** An answer that never comes. */
    public static final Object NEVER = new Object();

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> REQUEST_ID =
            Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

    private static final Metadata.Key<String> TENANT = Metadata.Key.of("x-tenant-id", Metadata.ASCII_STRING_MARSHALLER);

    private final Map<String, List<Object>> script = new HashMap<>();
    private final List<Call> calls = new ArrayList<>();
    private final Set<String> open = new HashSet<>();
    private final Server server;
    private final ManagedChannel channel;

    /** A call as it came. */
    public record Call(
            String method,
            Message question,
            String authorization,
            String requestId,
            String tenant,
            double secondsLeft,
            long at) {}

    public ScriptedAuthority() throws IOException {
        String name = InProcessServerBuilder.generateName();
        server = InProcessServerBuilder.forName(name)
                .addService(new LoginServiceImplBase() {})
                .addService(new SessionServiceImplBase() {})
                .addService(new TokenServiceImplBase() {})
                .addService(new AdminServiceImplBase() {})
                .intercept(this)
                .build()
                .start();
        channel = InProcessChannelBuilder.forName(name).build();
    }

    /** What a method answers from now on: messages, failures or {@link #NEVER}. */
    public synchronized void say(String method, Object... answers) {
        script.put(method, new ArrayList<>(List.of(answers)));
    }

    /** Leaves the streams of a method open after their first message. */
    public synchronized void stays(String method) {
        open.add(method);
    }

    private synchronized boolean isLeftOpen(String method) {
        return open.contains(method);
    }

    /** The calls of a method so far. */
    public synchronized List<Call> calls(String method) {
        return calls.stream().filter(call -> call.method().equals(method)).toList();
    }

    public GatelodgeClient client() {
        return GatelodgeClient.create(options());
    }

    /** The options of its clients. */
    public ClientOptions options() {
        return ClientOptions.of("", KEY).withChannel(channel);
    }

    /** A failure with a reason (none when it is empty) and a time to wait (none when it is 0). */
    public static StatusRuntimeException failure(Status.Code code, String reason, double retryAfter) {
        com.google.rpc.Status.Builder status =
                com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage("so it is");
        if (!reason.isEmpty()) {
            status.addDetails(Any.pack(ErrorInfo.newBuilder()
                    .setDomain("gatelodge")
                    .setReason(reason)
                    .putMetadata("request_id", "req-7")
                    .build()));
        }
        if (retryAfter > 0) {
            Duration delay = Duration.newBuilder()
                    .setSeconds((long) retryAfter)
                    .setNanos((int) ((retryAfter % 1) * 1_000_000_000))
                    .build();
            status.addDetails(
                    Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        io.grpc.Deadline deadline = Context.current().getDeadline();
        double left = deadline == null ? -1 : deadline.timeRemaining(TimeUnit.MICROSECONDS) / 1e6;
        call.request(2);
        return new ServerCall.Listener<>() {
            @Override
            public void onMessage(Q question) {
                String method = call.getMethodDescriptor().getBareMethodName();
                Object answer = next(new Call(
                        method,
                        (Message) question,
                        headers.get(AUTHORIZATION),
                        headers.get(REQUEST_ID),
                        headers.get(TENANT),
                        left,
                        System.nanoTime()));
                if (answer == NEVER) {
                    return;
                }
                if (answer instanceof StatusRuntimeException failed) {
                    Metadata details = failed.getTrailers();
                    call.close(failed.getStatus(), details == null ? new Metadata() : details);
                    return;
                }
                call.sendHeaders(new Metadata());
                call.sendMessage(message(call, answer));
                if (!isLeftOpen(method)) {
                    call.close(Status.OK, new Metadata());
                }
            }
        };
    }

    private synchronized Object next(Call call) {
        calls.add(call);
        List<Object> answers = script.getOrDefault(call.method(), List.of());
        if (answers.isEmpty()) {
            return "";
        }
        return answers.size() > 1 ? answers.remove(0) : answers.get(0);
    }

    @SuppressWarnings("unchecked")
    private static <Q, A> A message(ServerCall<Q, A> call, Object answer) {
        if (answer instanceof Message) {
            return (A) answer;
        }
        return call.getMethodDescriptor().parseResponse(new java.io.ByteArrayInputStream(new byte[0]));
    }

    @Override
    public void close() {
        channel.shutdownNow();
        server.shutdownNow();
    }
}
