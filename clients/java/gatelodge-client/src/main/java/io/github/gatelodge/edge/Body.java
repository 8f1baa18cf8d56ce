package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;

/** What came in a request's body, for a route that reads one. */
record Body(Kind kind, ByteString bytes) {
    /** How a body is labelled. */
    enum Kind {
        FORM("application/x-www-form-urlencoded"),
        JSON("application/json"),
        /** Of another kind, or of none: it stays unread, and counts as an empty form. */
        UNREAD("");

        final String contentType;

        Kind(String contentType) {
            this.contentType = contentType;
        }
    }

    boolean isJson() {
        return kind == Kind.JSON;
    }
}
