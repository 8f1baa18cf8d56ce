package io.github.gatelodge.edge;

import io.github.gatelodge.v1.GetEdgeSettingsResponse;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The settings of every tenant whose requests come to an edge.
 *
 * @param first of requests for whose host there are no others, too
 */
record Tenants(Settings first, List<Settings> others) {
    private static final Pattern PORT = Pattern.compile(":[0-9]*$");

    /** Reads an answer, or names the field that can't be used. */
    static Tenants read(GetEdgeSettingsResponse answer) {
        return new Tenants(
                Settings.read(answer.getSettings()),
                answer.getOthersList().stream().map(Settings::read).toList());
    }

    /** The settings for requests with this Host: of the tenant that is reached there, else the first. */
    Settings of(String host) {
        if (others.isEmpty()) {
            return first;
        }
        String wanted = host.toLowerCase(Locale.ROOT);
        return at(wanted).or(() -> at(PORT.matcher(wanted).replaceFirst(""))).orElse(first);
    }

    private Optional<Settings> at(String host) {
        return all().filter(settings -> settings.hosts().contains(host)).findFirst();
    }

    Stream<Settings> all() {
        return Stream.concat(Stream.of(first), others.stream());
    }

    String version() {
        return first.version();
    }

    Duration askAgainAfter() {
        return first.askAgainAfter();
    }
}
