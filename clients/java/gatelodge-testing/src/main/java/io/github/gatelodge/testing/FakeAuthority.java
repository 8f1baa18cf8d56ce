package io.github.gatelodge.testing;

import io.github.gatelodge.ClientOptions;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.EdgeSettings;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/**
 * An authority in memory, at which nobody is signed in at first. Its methods may be called while it answers. Clients
 * keep its answers as they keep an authority's, and hear of all that these methods change before they return.
 */
public final class FakeAuthority implements AutoCloseable {
    /** Where browsers reach the edge. */
    public static final String BASE_URL = "http://localhost:8000";

    /** The name of the session cookie. */
    public static final String COOKIE_NAME = "session";

    /** The header that carries the CSRF token. */
    public static final String CSRF_HEADER = "X-CSRF-Token";

    /** The one key that is good. */
    public static final String API_KEY = "glk_test";

    /** How long the calls of {@link #client} may take: tests do not wait for the two seconds of the real one. */
    public static final Duration TIMEOUT = Duration.ofMillis(500);

    private final State state = new State();
    private final Entrance entrance = new Entrance();
    private final Server server;
    private final ManagedChannel channel;
    private final Queue<GatelodgeClient> clients = new ConcurrentLinkedQueue<>();

    public FakeAuthority() {
        String name = InProcessServerBuilder.generateName();
        InProcessServerBuilder builder = InProcessServerBuilder.forName(name).intercept(entrance);
        List<BindableService> services = List.of(
                new FakeLogins(state),
                new FakeSessions(state, entrance),
                new FakeTokens(state),
                new FakeAdmin(state),
                new HealthStatusManager().getHealthService());
        services.forEach(builder::addService);
        try {
            this.server = builder.build().start();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        this.channel = InProcessChannelBuilder.forName(name).directExecutor().build();
    }

    /** A client of this authority, with a timeout that suits tests. Closing the authority closes it too. */
    public GatelodgeClient client() {
        return client(TIMEOUT);
    }

    /** A client of this authority, whose calls may take this long. */
    public GatelodgeClient client(Duration timeout) {
        GatelodgeClient client = GatelodgeClient.create(
                ClientOptions.of("", API_KEY).withChannel(channel).withTimeout(timeout));
        clients.add(client);
        return client;
    }

    /** Where it is asked, for a client with options of your own: {@link ClientOptions#withChannel}. */
    public Channel channel() {
        return channel;
    }

    /** Makes a session, as if somebody had logged in. */
    public SignedIn signIn(Person person) {
        synchronized (state) {
            return new SignedIn(state, state.begin(person));
        }
    }

    /** Makes a session of the user with this id. */
    public SignedIn signIn(String userId) {
        return signIn(Person.of(userId));
    }

    /**
     * Issues a bearer token that is this person's, with their scopes, permissions and roles, for routes of an API. One
     * of {@code Person.of("")} speaks for a program alone.
     */
    public BearerToken issueToken(Person whose) {
        return issueToken(whose, "token_" + State.random());
    }

    /** Issues this very token, in place of one that there is. */
    public BearerToken issueToken(Person whose, String value) {
        synchronized (state) {
            Issued issued = new Issued(whose, value);
            state.tokens.put(issued.value, issued);
            return new BearerToken(state, issued);
        }
    }

    /** Issues a bearer token of the user with this id. */
    public BearerToken issueToken(String userId) {
        return issueToken(Person.of(userId));
    }

    /** Says who the next login through the edge's routes makes a session for. */
    public void logsInNext(Person person) {
        synchronized (state) {
            state.next = person;
        }
    }

    /** Makes every call fail as if nothing listened there, until {@link #back}. */
    public void away() {
        entrance.trouble = Entrance.Trouble.AWAY;
        state.events.breakOff();
    }

    /** Makes no call get an answer within its deadline, until {@link #back}. */
    public void slow() {
        entrance.trouble = Entrance.Trouble.SLOW;
        state.events.breakOff();
    }

    /** Ends {@link #away} and {@link #slow}. */
    public void back() {
        entrance.trouble = Entrance.Trouble.NONE;
    }

    /** Makes every living session be refused for this reason; {@code UNSPECIFIED} ends it. */
    public void deny(DeniedReason reason) {
        synchronized (state) {
            state.denial = reason;
            state.events.allChanged();
        }
    }

    /** Changes the settings that edges ask for, and their version. */
    public void configure(Consumer<EdgeSettings.Builder> change) {
        synchronized (state) {
            EdgeSettings.Builder changed = state.settings.toBuilder().setVersion(State.random());
            change.accept(changed);
            state.settings = changed.build();
            state.events.allChanged();
        }
    }

    /** Ends the authority and its clients. */
    @Override
    public void close() {
        state.events.close();
        clients.forEach(GatelodgeClient::close);
        channel.shutdownNow();
        server.shutdownNow();
    }
}
