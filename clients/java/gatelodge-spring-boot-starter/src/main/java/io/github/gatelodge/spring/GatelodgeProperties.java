package io.github.gatelodge.spring;

import io.github.gatelodge.ClientOptions;
import io.github.gatelodge.v1.RouteSet;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How to reach the authority, and where the edge's routes are. {@code GATELODGE_ADDRESS} and its fellows are these too.
 *
 * @param address URL of the authority: http is plaintext, https is TLS
 * @param apiKey this application's API key
 * @param tenant the tenant that calls are for, by its name or number, where the key is for several; empty for none
 * @param caFile PEM file of the issuers whose certificates are accepted, instead of the system's
 * @param certFile PEM file of this application's own certificate, for mutual TLS
 * @param keyFile PEM file of the key of that certificate, in PKCS #8
 * @param timeout how long every call may take, instead of the defaults
 * @param keepAnswers how many answers this process keeps for a moment while it hears what happens to sessions; 0 for
 *     none
 * @param checkStream whether checks that are under way at the same moment may share a stream
 * @param mountPrefix what stands before the paths of the edge's routes, such as /app. It has to be the authority's
 * @param routeSets the sets of routes to mount
 */
@ConfigurationProperties("gatelodge")
public record GatelodgeProperties(
        @DefaultValue("") String address,
        @DefaultValue("") String apiKey,
        @DefaultValue("") String tenant,
        @Nullable Path caFile,
        @Nullable Path certFile,
        @Nullable Path keyFile,
        @Nullable Duration timeout,
        @Nullable Integer keepAnswers,
        @DefaultValue("true") boolean checkStream,
        @DefaultValue("") String mountPrefix,
        @DefaultValue("route_set_web") List<RouteSet> routeSets) {
    ClientOptions options() {
        ClientOptions options =
                ClientOptions.of(address, apiKey).withTenant(tenant).withCheckStream(checkStream);
        options = caFile == null ? options : options.withCaFile(caFile);
        options = certFile == null ? options : options.withCertFile(certFile);
        options = keyFile == null ? options : options.withKeyFile(keyFile);
        options = keepAnswers == null ? options : options.withKeepAnswers(keepAnswers);
        return timeout == null ? options : options.withTimeout(timeout);
    }

    /** Where the authority is. The key is left out. */
    @Override
    public String toString() {
        return "GatelodgeProperties[" + address + "]";
    }
}
