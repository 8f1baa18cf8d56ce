package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.Limits;
import io.github.gatelodge.v1.RequestContext;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a request becomes what the authority is asked about: bytes as they came, cut where the settings say. None of it
 * is judged here.
 */
final class Presented {
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final Pattern ADDRESS = Pattern.compile("[0-9A-Fa-f:.]+");
    private static final int MOST_LINES = 64;

    private Presented() {}

    /** Every value that came under a session cookie name. */
    static List<Cookie> sessionCookies(BrowserRequest request, Settings settings) {
        return cookies(request, settings.sessionCookieNames(), settings.limits());
    }

    /** Every value that came under a session or binding cookie name. */
    static List<Cookie> loginCookies(BrowserRequest request, Settings settings) {
        List<Cookie> cookies = new ArrayList<>(sessionCookies(request, settings));
        cookies.addAll(cookies(request, settings.bindingCookieNames(), settings.limits()));
        return cookies;
    }

    /**
     * Cuts the Cookie header at each ";" and at the first "=" of a pair, and reads it no further: a value keeps its
     * quotes, its escapes and its bytes that are not UTF-8 (RFC 6265, 5.4; security.md 63).
     */
    private static List<Cookie> cookies(BrowserRequest request, List<String> names, Limits limits) {
        List<Cookie> cookies = new ArrayList<>();
        for (String line : request.headers("Cookie")) {
            int end;
            for (int begin = 0; begin <= line.length(); begin = end + 1) {
                end = line.indexOf(';', begin);
                end = end < 0 ? line.length() : end;
                String pair = Text.trimmed(line.substring(begin, end));
                int cut = pair.indexOf('=');
                if (cut < 0 || !names.contains(pair.substring(0, cut))) {
                    continue;
                }
                if (limits.getMaxCookies() > 0 && cookies.size() == limits.getMaxCookies()) {
                    return cookies;
                }
                cookies.add(Cookie.newBuilder()
                        .setName(pair.substring(0, cut))
                        .setValue(Text.cutPast(pair.substring(cut + 1), limits.getMaxCookieBytes()))
                        .build());
            }
        }
        return cookies;
    }

    /** The host that a request is for, as it came; empty for none. */
    static String host(BrowserRequest request) {
        return String.join(", ", request.headers("Host"));
    }

    static ByteString query(BrowserRequest request, Settings settings) {
        String query = request.query();
        return Text.cutPast(query == null ? "" : query, settings.limits().getMaxQueryBytes());
    }

    /** What the authority has to know of the request beside its cookies. */
    static RequestContext context(BrowserRequest request, Settings settings) {
        int longest = settings.limits().getMaxHeaderBytes();
        String query = request.query();
        String target = query == null ? request.path() : request.path() + "?" + query;
        RequestContext.Builder context = RequestContext.newBuilder()
                .setMethod(Text.cut(request.method(), longest))
                .setTarget(Text.cut(target, longest))
                .addAllXForwardedFor(lastLines(request.headers("X-Forwarded-For"), longest))
                .addAllForwarded(lastLines(request.headers("Forwarded"), longest));
        peerAddress(request.peerAddress()).map(Text::bytes).ifPresent(context::setPeerAddress);
        Headers headers = new Headers(request, longest);
        headers.one("Host", context::setHost);
        headers.one("User-Agent", context::setUserAgent);
        headers.one("Accept-Language", context::setAcceptLanguage);
        headers.one("Accept", context::setAccept);
        headers.one("Content-Type", context::setContentType);
        headers.one("Upgrade", context::setUpgrade);
        headers.one("Origin", context::setOrigin);
        headers.one("Sec-Fetch-Site", context::setSecFetchSite);
        headers.one("Sec-Fetch-Mode", context::setSecFetchMode);
        headers.one("Sec-Fetch-Dest", context::setSecFetchDest);
        headers.one("X-Requested-With", context::setXRequestedWith);
        headers.one(settings.csrfHeader(), context::setCsrfToken);
        headers.one("X-Tenant-Id", context::setXTenantId);
        if (!settings.placeHeader().isEmpty()) {
            headers.one(settings.placeHeader(), context::setPlace);
        }
        return context.build();
    }

    /** Sets what came: absent when the header is absent, empty when it is empty. */
    private record Headers(BrowserRequest request, int longest) {
        void one(String name, Consumer<ByteString> set) {
            List<String> lines = request.headers(name);
            if (!lines.isEmpty()) {
                set.accept(Text.cut(String.join(", ", lines), longest));
            }
        }
    }

    /**
     * The end of a header that proxies append to, line by line: of the last lines one byte more than the authority
     * reads.
     */
    private static Deque<ByteString> lastLines(List<String> lines, int longest) {
        Deque<ByteString> last = new ArrayDeque<>();
        int room = longest > 0 ? longest + 1 : Integer.MAX_VALUE;
        for (int at = lines.size() - 1; at >= Math.max(0, lines.size() - MOST_LINES) && room > 0; at--) {
            String line = lines.get(at);
            String kept = line.substring(Math.max(0, line.length() - room));
            room -= kept.length();
            last.addFirst(Text.bytes(kept));
        }
        return last;
    }

    /**
     * The peer's address in its plain form. What is no address was put there by somebody else, and is not passed on.
     */
    static Optional<String> peerAddress(@Nullable String given) {
        if (given == null) {
            return Optional.empty();
        }
        String bare = given.startsWith("[") && given.endsWith("]") ? given.substring(1, given.length() - 1) : given;
        int zone = bare.indexOf('%');
        String address = zone < 0 ? bare : bare.substring(0, zone);
        // Nothing else is handed to Java's parser: it would look a name up.
        if (!ADDRESS.matcher(address).matches()) {
            return Optional.empty();
        }
        if (address.indexOf(':') < 0) {
            return Optional.of(address);
        }
        try {
            InetAddress read = InetAddress.getByName(address);
            return Optional.of(read instanceof Inet4Address ? read.getHostAddress() : address);
        } catch (UnknownHostException noAddress) {
            return Optional.empty();
        }
    }

    /**
     * The id that joins the browser's answer with the authority's log: the one that came if it is plain, else a new
     * one.
     */
    static String requestId(BrowserRequest request) {
        List<String> came = request.headers("X-Request-Id");
        if (!came.isEmpty() && REQUEST_ID.matcher(came.get(0)).matches()) {
            return came.get(0);
        }
        return UUID.randomUUID().toString().replace("-", "");
    }

    /** Whether the body is of a kind: one Content-Type came, and says so, its parameters aside. */
    static boolean isOfKind(BrowserRequest request, String wanted) {
        List<String> labels = request.headers("Content-Type");
        if (labels.size() != 1) {
            return false;
        }
        int parameters = labels.get(0).indexOf(';');
        String kind = parameters < 0 ? labels.get(0) : labels.get(0).substring(0, parameters);
        return Text.trimmed(kind).equalsIgnoreCase(wanted);
    }

    /** Whether a browser asks on behalf of a page of another origin (Fetch, "CORS protocol"). */
    static boolean isPreflight(BrowserRequest request) {
        return request.method().equals("OPTIONS")
                && !request.headers("Origin").isEmpty()
                && !request.headers("Access-Control-Request-Method").isEmpty();
    }
}
