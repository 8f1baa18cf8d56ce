package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;

/** What may stand in a header, and how text of a browser becomes bytes. */
final class Text {
    private static final String TOKEN_MARKS = "!#$%&'*+-.^_`|~";

    private Text() {}

    /** Whether text is a token (RFC 9110, 5.6.2). */
    static boolean isHeaderName(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> isAlphanumeric(c) || TOKEN_MARKS.indexOf(c) >= 0);
    }

    /** Whether text is printable ASCII, as the contract promises. */
    static boolean isHeaderValue(String text) {
        return text.chars().allMatch(c -> c >= ' ' && c <= '~');
    }

    static boolean isAlphanumeric(int c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }

    static ByteString bytes(String text) {
        return ByteString.copyFrom(text, StandardCharsets.ISO_8859_1);
    }

    /** Cut to a limit; 0 is none. */
    static ByteString cut(String text, int limit) {
        return bytes(limit > 0 && text.length() > limit ? text.substring(0, limit) : text);
    }

    /** Cut to one byte more than the limit, so that the authority sees that it is too long. */
    static ByteString cutPast(String text, int limit) {
        return limit == 0 ? bytes(text) : cut(text, limit + 1);
    }

    /** Without the spaces and tabs around it. */
    static String trimmed(String text) {
        int begin = 0;
        int end = text.length();
        while (begin < end && isBlank(text.charAt(begin))) {
            begin++;
        }
        while (end > begin && isBlank(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(begin, end);
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t';
    }
}
