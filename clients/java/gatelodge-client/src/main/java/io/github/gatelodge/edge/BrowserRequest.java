package io.github.gatelodge.edge;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request as it came, undecoded: one character per byte. */
public interface BrowserRequest {
    /** The method, such as {@code GET}. */
    String method();

    /** The path as in the request line, without the query. */
    String path();

    /** The text after the first {@code ?} of the request line; null when there is none. */
    @Nullable
    String query();

    /** Each line of a header, in the order in which they came; empty when there is none. */
    List<String> headers(String name);

    /** The address of the TCP peer; null when it is not known. */
    @Nullable
    String peerAddress();
}
