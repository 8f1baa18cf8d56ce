package io.github.gatelodge.edge;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.OptionsException;
import io.github.gatelodge.v1.CallbackAddress;
import io.github.gatelodge.v1.RouteSet;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The routes that log people in and out, and a {@link Gate} for the application's own:
 *
 * <pre>
 *   GET  /auth/web/login       GET /auth/web/callback
 *   GET  /auth/me              POST /auth/web/logout      GET /auth/web/logged-out
 *   POST /auth/web/backchannel-logout      GET /auth/web/frontchannel-logout
 *   POST /auth/web/refresh     GET or POST /auth/web/userinfo
 *   GET  /auth/web/sessions    POST /auth/web/sessions/revoke
 * </pre>
 *
 * under its mount prefix. It lives until it is closed, or its client is.
 */
public final class Edge implements AutoCloseable {
    private static final Pattern MOUNT_PREFIX = Pattern.compile("(/(?!\\.{1,2}(/|$))[A-Za-z0-9._~-]+)*");

    private final Gate gate;
    private final String mountPrefix;
    private final Map<String, Route> routes = new HashMap<>();

    private Edge(GatelodgeClient client, String mountPrefix, Set<RouteSet> routeSets) {
        this.mountPrefix = mountPrefix;
        for (Route route : Route.values()) {
            if (routeSets.contains(route.routeSet)) {
                routes.put(mountPrefix + route.path, route);
            }
        }
        this.gate = new Gate(client, this::checkCallbacks);
    }

    /** The routes of the set {@code web}, without a mount prefix. Until the settings have come they answer 503. */
    public static Edge of(GatelodgeClient client) {
        return of(client, "");
    }

    /**
     * The routes of the set {@code web} under a mount prefix, or those of the sets that are named.
     *
     * @param mountPrefix what stands before the paths of the contract: empty, or a path such as {@code /app}. It has to
     *     be the authority's
     * @param routeSets the sets to mount; none for {@code web}. A mounted set answers once the authority says that it
     *     is on
     * @throws OptionsException the mount prefix is none
     */
    public static Edge of(GatelodgeClient client, String mountPrefix, RouteSet... routeSets) {
        if (!MOUNT_PREFIX.matcher(mountPrefix).matches()) {
            throw new OptionsException(
                    "the mount prefix",
                    "is \"" + mountPrefix + "\": expected nothing, or a path like /app without a slash at its end");
        }
        Set<RouteSet> sets = Arrays.stream(routeSets)
                .map(set -> set == RouteSet.ROUTE_SET_UNSPECIFIED ? RouteSet.ROUTE_SET_WEB : set)
                .collect(Collectors.toUnmodifiableSet());
        return new Edge(client, mountPrefix, sets.isEmpty() ? Set.of(RouteSet.ROUTE_SET_WEB) : sets);
    }

    /** Client and settings of the edge, for sessions on the application's own routes. */
    public Gate gate() {
        return gate;
    }

    /** What is to be done about a request; empty where it is none of the edge's, and for the application to answer. */
    public Optional<EdgeCall> begin(BrowserRequest request) {
        Route route = routes.get(request.path());
        if (route == null) {
            return Optional.empty();
        }
        Settings settings = gate.settings(Presented.host(request));
        if (settings != null && !settings.routeSets().contains(route.routeSet)) {
            return Optional.empty();
        }
        return Optional.of(new EdgeCall(route, request, gate, settings));
    }

    @Override
    public void close() {
        gate.close();
    }

    /**
     * A browser that comes back from a provider to a path that is not ours ends in an unknown page: say so at start.
     */
    private void checkCallbacks(Settings settings) {
        String ours = mountPrefix + Route.CALLBACK.path;
        List<String> configured = settings.callbacks().stream()
                .filter(address -> address.getRouteSet() == Route.CALLBACK.routeSet)
                .map(CallbackAddress::getUrl)
                .toList();
        if (routes.containsKey(ours)
                && !configured.isEmpty()
                && configured.stream().noneMatch(url -> ours.equals(pathOf(url)))) {
            Answers.LOG.log(
                    Level.ERROR,
                    "providers send browsers back to {0}, but this edge''s callback is at {1}: logins will fail. "
                            + "Give this edge and the authority the same mount prefix",
                    configured.get(0),
                    ours);
        }
    }

    private static String pathOf(String url) {
        try {
            String path = URI.create(url).getRawPath();
            return path == null ? "" : path;
        } catch (IllegalArgumentException unreadable) {
            return "";
        }
    }
}
