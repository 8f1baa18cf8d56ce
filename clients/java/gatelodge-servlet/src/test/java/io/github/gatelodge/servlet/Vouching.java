package io.github.gatelodge.servlet;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import io.github.gatelodge.ClientOptions;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.v1.EdgeSettings;
import io.github.gatelodge.v1.GetEdgeSettingsRequest;
import io.github.gatelodge.v1.GetEdgeSettingsResponse;
import io.github.gatelodge.v1.LoginServiceGrpc.LoginServiceImplBase;
import io.github.gatelodge.v1.SessionServiceGrpc.SessionServiceImplBase;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsRequest;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An authority in memory at which everybody is signed in, and whose answers may be kept. Nothing ever happens there.
 */
final class Vouching implements AutoCloseable {
    private static final ByteString POSITION = ByteString.copyFromUtf8("1");

    private final AtomicInteger checks = new AtomicInteger();
    private final Timer clock = new Timer(true);
    private final Server server;
    private final ManagedChannel channel;
    private final GatelodgeClient client;

    Vouching() throws IOException {
        String name = InProcessServerBuilder.generateName();
        this.server = InProcessServerBuilder.forName(name)
                .addService(new Settings())
                .addService(new Sessions())
                .build()
                .start();
        this.channel = InProcessChannelBuilder.forName(name).build();
        this.client = GatelodgeClient.create(ClientOptions.of("", "glk_bench").withChannel(channel));
    }

    GatelodgeClient client() {
        return client;
    }

    /** How many checks have come so far. */
    int checks() {
        return checks.get();
    }

    private static final class Settings extends LoginServiceImplBase {
        @Override
        public void getEdgeSettings(GetEdgeSettingsRequest asked, StreamObserver<GetEdgeSettingsResponse> to) {
            EdgeSettings settings = EdgeSettings.newBuilder()
                    .setVersion("1")
                    .addSessionCookieNames("session")
                    .setCsrfHeader("x-csrf-token")
                    .build();
            to.onNext(GetEdgeSettingsResponse.newBuilder().setSettings(settings).build());
            to.onCompleted();
        }
    }

    private final class Sessions extends SessionServiceImplBase {
        @Override
        public void validateSession(ValidateSessionRequest asked, StreamObserver<ValidateSessionResponse> to) {
            checks.incrementAndGet();
            ValidateSessionResponse.Builder answer =
                    ValidateSessionResponse.newBuilder().setSettingsVersion("1");
            answer.getActiveBuilder().getIdentityBuilder().setUserId("google_1");
            String credential = asked.getCookies(0).getValue().toStringUtf8();
            answer.getActiveBuilder().getSessionBuilder().setSessionId("sid_" + credential);
            answer.getActiveBuilder()
                    .setEventPosition(POSITION)
                    .getKeepForBuilder()
                    .setSeconds(600);
            to.onNext(answer.build());
            to.onCompleted();
        }

        @Override
        public void watchSessions(WatchSessionsRequest asked, StreamObserver<WatchSessionsResponse> to) {
            WatchSessionsResponse word = WatchSessionsResponse.newBuilder()
                    .setPosition(POSITION)
                    .setMaxStaleness(Duration.newBuilder().setSeconds(5))
                    .build();
            TimerTask vouch = new TimerTask() {
                @Override
                public void run() {
                    to.onNext(word);
                }
            };
            clock.schedule(vouch, 0, 250);
        }
    }

    @Override
    public void close() {
        clock.cancel();
        client.close();
        channel.shutdownNow();
        server.shutdownNow();
    }
}
