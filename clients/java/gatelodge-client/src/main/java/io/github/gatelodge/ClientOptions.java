package io.github.gatelodge;

import io.grpc.Channel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to reach an authority. Immutable: each {@code with} method returns another one.
 *
 * <p>{@link #fromEnv} reads the variables that are the same in every language. An empty one counts as not set.
 */
public final class ClientOptions {
    /** The variable with the URL of the authority. Its scheme decides: {@code http} is plaintext, {@code https} TLS. */
    public static final String ADDRESS = "GATELODGE_ADDRESS";

    /** The variable with this caller's API key. */
    public static final String API_KEY = "GATELODGE_API_KEY";

    /** The variable with a PEM file of the issuers whose certificates are accepted, instead of the system's. */
    public static final String CA_FILE = "GATELODGE_CA_FILE";

    /** The variable with a PEM file of this caller's own certificate, for mutual TLS. */
    public static final String CERT_FILE = "GATELODGE_CERT_FILE";

    /** The variable with a PEM file of the key of that certificate (PKCS #8). */
    public static final String KEY_FILE = "GATELODGE_KEY_FILE";

    /**
     * The variable with the tenant that calls are for, by its name or number, where this caller's key is for several.
     */
    public static final String TENANT = "GATELODGE_TENANT";

    /** The variable with how many answers this process keeps; 0 for none. */
    public static final String KEEP_ANSWERS = "GATELODGE_KEEP_ANSWERS";

    private static final int ANSWERS = 16_384;

    private final Map<String, String> settings;
    private final @Nullable Duration timeout;
    private final @Nullable Channel channel;
    private final boolean mayShareStream;

    private ClientOptions(
            Map<String, String> settings,
            @Nullable Duration timeout,
            @Nullable Channel channel,
            boolean mayShareStream) {
        this.settings = settings;
        this.timeout = timeout;
        this.channel = channel;
        this.mayShareStream = mayShareStream;
    }

    /** What the environment says. */
    public static ClientOptions fromEnv() {
        return from(System.getenv());
    }

    static ClientOptions from(Map<String, String> variables) {
        ClientOptions options = new ClientOptions(Map.of(), null, null, true);
        for (String name : new String[] {ADDRESS, API_KEY, TENANT, CA_FILE, CERT_FILE, KEY_FILE, KEEP_ANSWERS}) {
            options = options.with(name, variables.getOrDefault(name, ""));
        }
        return options;
    }

    /** The authority at this URL, asked with this key. */
    public static ClientOptions of(String address, String apiKey) {
        return new ClientOptions(Map.of(), null, null, true)
                .withAddress(address)
                .withApiKey(apiKey);
    }

    /** The URL of the authority: {@code http://127.0.0.1:50051}, {@code https://auth.example.com}. */
    public ClientOptions withAddress(String address) {
        return with(ADDRESS, address);
    }

    /** This caller's API key, which goes with every call. */
    public ClientOptions withApiKey(String apiKey) {
        return with(API_KEY, apiKey);
    }

    /**
     * Asks for this tenant, by its name or number: for a caller whose key is for several. One with a key for one needs
     * it not, and neither does an edge that serves several hosts: it goes by the request then.
     */
    public ClientOptions withTenant(String name) {
        return with(TENANT, name);
    }

    /** Accepts only certificates issued by those in this PEM file. */
    public ClientOptions withCaFile(Path file) {
        return with(CA_FILE, file.toString());
    }

    /** Presents this certificate, a PEM file, for mutual TLS. */
    public ClientOptions withCertFile(Path file) {
        return with(CERT_FILE, file.toString());
    }

    /** The key of the certificate that is presented, a PEM file in PKCS #8. */
    public ClientOptions withKeyFile(Path file) {
        return with(KEY_FILE, file.toString());
    }

    /**
     * How long every call may take, instead of the defaults: 2 s; 8 s for what ends sessions, 10 s where a provider may
     * have to be asked, 20 s for a login's end.
     */
    public ClientOptions withTimeout(Duration timeout) {
        return new ClientOptions(settings, timeout, channel, mayShareStream);
    }

    /**
     * Keeps at most this many answers of {@link SessionCalls#check} in this process, each for a few seconds and only
     * while the client hears what happens to sessions; 0 for none. About 2 kB each.
     */
    public ClientOptions withKeepAnswers(int most) {
        return with(KEEP_ANSWERS, Integer.toString(most));
    }

    /**
     * Whether checks that are under way at the same moment, eight or more, may share a stream ({@code CheckSessions}),
     * which costs the authority a small part of as many calls. The default is that they may. A stream stays with one
     * replica for some minutes: where a balancer has to spread single checks, say no.
     */
    public ClientOptions withCheckStream(boolean may) {
        return new ClientOptions(settings, timeout, channel, may);
    }

    /**
     * Asks over a channel that is there already, such as one to an authority in the same process. Address and files are
     * then not used, and closing the client leaves the channel open.
     */
    public ClientOptions withChannel(Channel channel) {
        return new ClientOptions(settings, timeout, channel, mayShareStream);
    }

    Optional<String> setting(String name) {
        return Optional.ofNullable(settings.get(name));
    }

    int keepAnswers() {
        String given = setting(KEEP_ANSWERS).orElse(Integer.toString(ANSWERS));
        if (!given.matches("[0-9]{1,9}")) {
            throw new OptionsException(KEEP_ANSWERS, "is \"" + given + "\": expected a number, 0 for none");
        }
        return Integer.parseInt(given);
    }

    Optional<Duration> timeout() {
        return Optional.ofNullable(timeout);
    }

    boolean mayShareStream() {
        return mayShareStream;
    }

    Optional<Channel> channel() {
        return Optional.ofNullable(channel);
    }

    private ClientOptions with(String name, String value) {
        Map<String, String> changed = new HashMap<>(settings);
        changed.remove(name);
        if (!value.isBlank()) {
            changed.put(name, value.strip());
        }
        return new ClientOptions(Map.copyOf(changed), timeout, channel, mayShareStream);
    }

    /** Where the authority is. The key is left out. */
    @Override
    public String toString() {
        return "ClientOptions[" + settings.getOrDefault(ADDRESS, "no address") + "]";
    }
}
