package io.github.gatelodge.testing;

import com.google.protobuf.ByteString;
import io.github.gatelodge.v1.SessionServiceRevokeRequest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which sessions a revocation means. */
final class Aim {
    static final String OTHERS = "others";

    private static final Pattern END = Pattern.compile("\\s*\\{.*\"end\"\\s*:\\s*\"([^\"]*)\".*}\\s*", Pattern.DOTALL);

    private Aim() {}

    /** The public id of the session to end, or {@link #OTHERS}; empty when it can't be read. */
    static String of(SessionServiceRevokeRequest asked, String presented) {
        return switch (asked.getTargetCase()) {
            case SESSION_ID -> asked.getSessionId();
            case ALL_OTHERS -> OTHERS;
            case FORM -> readable(Query.first(asked.getForm(), "end"));
            case JSON -> readable(end(asked.getJson()));
            default -> presented;
        };
    }

    private static String end(ByteString json) {
        Matcher found = END.matcher(json.toStringUtf8());
        return found.matches() ? found.group(1) : "";
    }

    private static String readable(String end) {
        return end.equals(OTHERS) || end.startsWith("sid_") ? end : "";
    }
}
