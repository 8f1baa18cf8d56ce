package io.github.gatelodge.servlet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.gatelodge.testing.FakeAuthority;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.HandlerRegistry;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCalls;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Serves the fake authority over gRPC, for tests/edges to put behind edges of any language: tests/edges says how it is
 * told things. What comes is passed on, unread, to the fake in memory.
 */
final class FakeUnderTest extends HandlerRegistry implements ServerInterceptor {
    private static final Context.Key<Metadata> CAME = Context.key("metadata");

    private volatile FakeAuthority authority = new FakeAuthority();

    public static void main(String[] arguments) throws IOException {
        String listen = System.getenv().getOrDefault("LISTEN", "127.0.0.1:50051");
        FakeUnderTest fake = new FakeUnderTest();
        int port = Integer.parseInt(listen.substring(listen.lastIndexOf(':') + 1));
        Server server = Grpc.newServerBuilderForPort(port, InsecureServerCredentials.create())
                .fallbackHandlerRegistry(fake)
                .intercept(fake)
                .build()
                .start();
        System.out.println("ready " + FakeAuthority.API_KEY);
        fake.listen();
        server.shutdownNow();
    }

    private void listen() throws IOException {
        BufferedReader told = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        ObjectMapper json = new ObjectMapper();
        Given given = null;
        for (String line = told.readLine(); line != null; line = told.readLine()) {
            JsonNode said = json.readTree(line);
            if (said.has("begin")) {
                FakeAuthority before = authority;
                authority = new FakeAuthority();
                given = new Given(authority, said.get("begin"));
                before.close();
            } else if (given != null) {
                given.change(said.get("change"));
            }
            System.out.println("told");
        }
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        return Contexts.interceptCall(Context.current().withValue(CAME, headers), call, headers, next);
    }

    @Override
    public ServerMethodDefinition<byte[], byte[]> lookupMethod(String name, @Nullable String host) {
        MethodDescriptor<byte[], byte[]> method = MethodDescriptor.newBuilder(new Bytes(), new Bytes())
                .setType(MethodDescriptor.MethodType.UNKNOWN)
                .setFullMethodName(name)
                .build();
        return ServerMethodDefinition.create(method, ServerCalls.asyncBidiStreamingCall(answers -> {
            var onward = MetadataUtils.newAttachHeadersInterceptor(CAME.get());
            return ClientCalls.asyncBidiStreamingCall(
                    onward.interceptCall(method, CallOptions.DEFAULT, authority.channel()), answers);
        }));
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] message) {
            return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream message) {
            try {
                return message.readAllBytes();
            } catch (IOException broken) {
                throw new UncheckedIOException(broken);
            }
        }
    }
}
