package io.github.gatelodge;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Makes a channel of what the options say, or names the setting that can't be used. Does not know calls. */
final class Connection {
    private static final Logger LOG = System.getLogger("io.github.gatelodge");
    private static final String EXPECTED =
            "expected a URL of scheme, host and port, such as http://127.0.0.1:50051 or https://auth.example.com";
    private static final int CONNECT_WITHIN_MS = 1000;

    private Connection() {}

    /** The key, which has to be fit to be metadata. */
    static String apiKey(ClientOptions options) {
        String key = options.setting(ClientOptions.API_KEY)
                .orElseThrow(() ->
                        new OptionsException(ClientOptions.API_KEY, "is not set: which key does this caller have?"));
        if (!key.chars().allMatch(c -> c >= '!' && c <= '~')) {
            throw new OptionsException(
                    ClientOptions.API_KEY, "holds characters that a key never has (a line end, perhaps)");
        }
        return key;
    }

    /** The tenant that is named, which has to be fit to be metadata; null for none. */
    static @Nullable String tenant(ClientOptions options) {
        String name = options.setting(ClientOptions.TENANT).orElse(null);
        if (name != null && !name.chars().allMatch(c -> c >= '!' && c <= '~')) {
            throw new OptionsException(ClientOptions.TENANT, "holds characters that no tenant's name has");
        }
        return name;
    }

    /** A channel that connects at the first call, and again whenever the connection is lost. */
    static ManagedChannel open(ClientOptions options) {
        URI address = address(options);
        boolean isTls = address.getScheme().equalsIgnoreCase("https");
        int port = address.getPort() >= 0 ? address.getPort() : isTls ? 443 : 80;
        ChannelCredentials credentials = isTls ? tls(options) : plaintext(options);
        if (isInClear(address)) {
            LOG.log(
                    Level.WARNING,
                    "{0} is {1}: this program''s key and its users'' cookies go over the network in clear. Use https://",
                    ClientOptions.ADDRESS,
                    address);
        }
        // Brackets around an IPv6 address have no place in the path of a URI, which this one's address is.
        String host = address.getHost().replace("[", "%5B").replace("]", "%5D");
        try {
            return NettyChannelBuilder.forTarget("dns:///" + host + ":" + port, credentials)
                    .userAgent("gatelodge-java/" + GatelodgeClient.VERSION)
                    .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_WITHIN_MS)
                    .keepAliveTime(30, TimeUnit.SECONDS)
                    .keepAliveTimeout(15, TimeUnit.SECONDS)
                    .keepAliveWithoutCalls(true)
                    .disableServiceConfigLookUp()
                    .disableRetry()
                    .build();
        } catch (IllegalArgumentException unusable) {
            if (!isTls) {
                throw new OptionsException(ClientOptions.ADDRESS, "can't be used: " + EXPECTED, unusable);
            }
            throw unusablePair(unusable);
        }
    }

    static URI address(ClientOptions options) {
        String given = options.setting(ClientOptions.ADDRESS)
                .orElseThrow(() ->
                        new OptionsException(ClientOptions.ADDRESS, "is not set: where is the authority? " + EXPECTED));
        URI address;
        try {
            address = new URI(given);
        } catch (URISyntaxException unreadable) {
            throw new OptionsException(ClientOptions.ADDRESS, "is \"" + given + "\": " + EXPECTED, unreadable);
        }
        String scheme = address.getScheme();
        boolean isKnown = "http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme);
        String path = address.getRawPath();
        boolean isBare = address.getHost() != null
                && (path == null || path.isEmpty() || path.equals("/"))
                && address.getRawUserInfo() == null
                && address.getRawQuery() == null
                && address.getRawFragment() == null;
        if (!isKnown || !isBare) {
            throw new OptionsException(ClientOptions.ADDRESS, "is \"" + given + "\": " + EXPECTED);
        }
        return address;
    }

    /** Whether all that is sent can be read on the way: plaintext to another machine. */
    static boolean isInClear(URI address) {
        String host = address.getHost();
        boolean isHere =
                host.equalsIgnoreCase("localhost") || host.equals("[::1]") || host.matches("127(\\.[0-9]{1,3}){3}");
        return address.getScheme().equalsIgnoreCase("http") && !isHere;
    }

    private static ChannelCredentials plaintext(ClientOptions options) {
        for (String name : new String[] {ClientOptions.CA_FILE, ClientOptions.CERT_FILE, ClientOptions.KEY_FILE}) {
            if (options.setting(name).isPresent()) {
                throw new OptionsException(
                        name,
                        "is set, but " + ClientOptions.ADDRESS
                                + " begins with http://, which is plaintext: use https://, or leave it out");
            }
        }
        return InsecureChannelCredentials.create();
    }

    private static ChannelCredentials tls(ClientOptions options) {
        TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
        Optional<File> ca = options.setting(ClientOptions.CA_FILE).map(File::new);
        Optional<String> certificate = options.setting(ClientOptions.CERT_FILE);
        Optional<String> key = options.setting(ClientOptions.KEY_FILE);
        if (certificate.isPresent() != key.isPresent()) {
            String there = certificate.isPresent() ? ClientOptions.CERT_FILE : ClientOptions.KEY_FILE;
            String missing = certificate.isPresent() ? ClientOptions.KEY_FILE : ClientOptions.CERT_FILE;
            throw new OptionsException(missing, "is not set, but " + there + " is: they go together");
        }
        if (ca.isPresent()) {
            checkCertificates(ClientOptions.CA_FILE, ca.get().toPath());
        }
        try {
            if (ca.isPresent()) {
                tls.trustManager(ca.get());
            }
            if (certificate.isPresent() && key.isPresent()) {
                checkCertificates(ClientOptions.CERT_FILE, Path.of(certificate.get()));
                if (!Files.isReadable(Path.of(key.get()))) {
                    throw new OptionsException(ClientOptions.KEY_FILE, "names a file that can't be read");
                }
                tls.keyManager(new File(certificate.get()), new File(key.get()));
            }
        } catch (IOException unreadable) {
            throw unusablePair(unreadable);
        }
        return tls.build();
    }

    private static void checkCertificates(String setting, Path file) {
        try (InputStream pem = Files.newInputStream(file)) {
            if (CertificateFactory.getInstance("X.509")
                    .generateCertificates(pem)
                    .isEmpty()) {
                throw new OptionsException(setting, "names a file that holds no certificate: expected PEM");
            }
        } catch (CertificateException unusable) {
            throw new OptionsException(setting, "names a file that holds no certificate: expected PEM", unusable);
        } catch (IOException unreadable) {
            throw new OptionsException(setting, "names a file that can't be read", unreadable);
        }
    }

    private static OptionsException unusablePair(Exception cause) {
        String problem = "and " + ClientOptions.KEY_FILE
                + " can't be used: expected PEM files of a certificate and its key, the key in PKCS #8";
        return new OptionsException(ClientOptions.CERT_FILE, problem, cause);
    }
}
