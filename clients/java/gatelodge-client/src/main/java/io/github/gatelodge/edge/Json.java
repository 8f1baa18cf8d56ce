package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import org.jspecify.annotations.Nullable;

/** Writes the few JSON objects of an edge: their members are texts or null. */
final class Json {
    private final StringBuilder text = new StringBuilder("{");

    Json member(String name, @Nullable String value) {
        if (text.length() > 1) {
            text.append(',');
        }
        string(name);
        text.append(':');
        if (value == null) {
            text.append("null");
        } else {
            string(value);
        }
        return this;
    }

    ByteString bytes() {
        return ByteString.copyFromUtf8(text + "}");
    }

    private void string(String value) {
        text.append('"');
        for (int at = 0; at < value.length(); at++) {
            char c = value.charAt(at);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < ' ' || "<>&\u2028\u2029".indexOf(c) >= 0) {
                text.append(String.format("\\u%04x", (int) c));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }
}
