package io.github.gatelodge.edge;

import io.github.gatelodge.edge.Answer.Header;
import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.v1.CallbackAddress;
import io.github.gatelodge.v1.EdgeSettings;
import io.github.gatelodge.v1.Limits;
import io.github.gatelodge.v1.RouteSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The settings of one tenant, checked: what can't become a header is found here and not at a request.
 *
 * @param hosts where the tenant is reached, in lower case, each perhaps with a port
 * @param isHttps whether browsers reach the edge by https, as the configuration says; never what a request looked like
 * @param placeHeader the header that names a place; empty for none
 * @param maxBodyBytes as of the limits, but never none: a body is held in memory
 */
record Settings(
        String version,
        Duration askAgainAfter,
        Set<String> hosts,
        boolean isHttps,
        List<String> sessionCookieNames,
        List<String> bindingCookieNames,
        String csrfHeader,
        String placeHeader,
        List<CallbackAddress> callbacks,
        Cors cors,
        Limits limits,
        int maxBodyBytes,
        Set<RouteSet> routeSets) {
    /**
     * However short the time to ask again is, an authority is not asked in a tight circle. And two authorities that
     * differ in their settings, as during a roll-out, make every second answer name another version.
     */
    static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);

    private static final Duration USUAL_PAUSE = Duration.ofMinutes(1);
    private static final int LONGEST_BODY = 64 << 10;

    /** Reads what the authority says, or names the field that can't be used. */
    static Settings read(EdgeSettings given) {
        if (given.getSessionCookieNamesList().isEmpty()) {
            throw unusable("session_cookie_names");
        }
        if (!Text.isHeaderName(given.getCsrfHeader())) {
            throw unusable("csrf_header");
        }
        if (!given.getPlaceHeader().isEmpty() && !Text.isHeaderName(given.getPlaceHeader())) {
            throw unusable("place_header");
        }
        Cors cors = Cors.of(given.getCors());
        if (!cors.isUsable()) {
            throw unusable("cors");
        }
        int bodyBytes = given.getLimits().getMaxBodyBytes();
        return new Settings(
                given.getVersion(),
                pause(given),
                given.getHostsList().stream()
                        .map(host -> host.toLowerCase(Locale.ROOT))
                        .collect(Collectors.toUnmodifiableSet()),
                given.getPublicBaseUrl().startsWith("https://"),
                given.getSessionCookieNamesList(),
                given.getBindingCookieNamesList(),
                given.getCsrfHeader(),
                given.getPlaceHeader(),
                given.getCallbackAddressesList(),
                cors,
                given.getLimits(),
                bodyBytes > 0 ? bodyBytes : LONGEST_BODY,
                Set.copyOf(given.getRouteSetsList()));
    }

    /** An answer with what goes on every answer of the edge's own. */
    Answer shared(BrowserRequest request, Answer answer) {
        List<Header> headers = new ArrayList<>(answer.headers());
        if (isHttps) {
            headers.add(new Header("Strict-Transport-Security", "max-age=31536000")); // security.md 66
        }
        headers.addAll(cors.share(request));
        return new Answer(answer.status(), headers, answer.body());
    }

    private static Duration pause(EdgeSettings given) {
        if (!given.hasAskAgainAfter()) {
            return USUAL_PAUSE;
        }
        com.google.protobuf.Duration after = given.getAskAgainAfter();
        Duration pause = Duration.ofSeconds(after.getSeconds(), after.getNanos());
        return pause.compareTo(SHORTEST_PAUSE) < 0 ? SHORTEST_PAUSE : pause;
    }

    private static InconclusiveException unusable(String field) {
        return new InconclusiveException("the settings' field " + field + " can't be used");
    }
}
