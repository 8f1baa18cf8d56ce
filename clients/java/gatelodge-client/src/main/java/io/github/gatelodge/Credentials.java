package io.github.gatelodge;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import org.jspecify.annotations.Nullable;

/** Puts the API key, the tenant where one is named, and the request id on every call. */
final class Credentials implements ClientInterceptor {
    static final CallOptions.Key<String> REQUEST_ID = CallOptions.Key.create("gatelodge-request-id");

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> X_REQUEST_ID =
            Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

    private static final Metadata.Key<String> X_TENANT_ID =
            Metadata.Key.of("x-tenant-id", Metadata.ASCII_STRING_MARSHALLER);

    private final String authorization;
    private final @Nullable String tenant;

    Credentials(String apiKey, @Nullable String tenant) {
        this.authorization = "Bearer " + apiKey;
        this.tenant = tenant;
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void start(Listener<A> listener, Metadata headers) {
                headers.put(AUTHORIZATION, authorization);
                if (tenant != null) {
                    headers.put(X_TENANT_ID, tenant);
                }
                String id = options.getOption(REQUEST_ID);
                if (id != null) {
                    headers.put(X_REQUEST_ID, id);
                }
                super.start(listener, headers);
            }
        };
    }
}
