package io.github.gatelodge.testing;

import com.google.protobuf.ByteString;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads queries and forms. */
final class Query {
    private Query() {}

    static List<String> all(ByteString query, String name) {
        List<String> values = new ArrayList<>();
        for (String pair : Judge.text(query).split("&", -1)) {
            int cut = pair.indexOf('=');
            if (decoded(cut < 0 ? pair : pair.substring(0, cut)).equals(name)) {
                values.add(cut < 0 ? "" : decoded(pair.substring(cut + 1)));
            }
        }
        return values;
    }

    static String first(ByteString query, String name) {
        return all(query, name).stream().findFirst().orElse("");
    }

    /** Where redirect_uri leads, which has to be a path of the application's own; empty when it is not. */
    static Optional<String> returnPlace(ByteString query, String usual) {
        String place = first(query, "redirect_uri");
        if (place.isEmpty()) {
            return Optional.of(usual);
        }
        boolean isOwn = place.startsWith("/") && !place.startsWith("//") && place.matches("[^\\\\\\r\\n\\t]*");
        return isOwn ? Optional.of(place) : Optional.empty();
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException unreadable) {
            return text;
        }
    }
}
