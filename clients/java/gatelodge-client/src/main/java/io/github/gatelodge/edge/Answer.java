package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import java.util.List;

/**
 * An HTTP answer, whole before any of it is sent: part of one may be a login without its cookie.
 *
 * @param status the status code
 * @param headers in the order in which to send them. {@code Vary} and {@code Set-Cookie} are added to what others have
 *     set; every other name takes the place of what others have set
 * @param body the body; not to be sent for HEAD, and not where the status allows none
 */
public record Answer(int status, List<Header> headers, ByteString body) {
    /**
     * One header line.
     *
     * @param name its name
     * @param value its value, printable ASCII
     */
    public record Header(String name, String value) {
        /** Whether it stands beside what others have set. */
        public boolean isAdded() {
            return name.equalsIgnoreCase("Vary") || name.equalsIgnoreCase("Set-Cookie");
        }
    }

    /** Whether a body, empty or not, belongs to the answer. */
    public boolean hasBody() {
        return status != 204 && status != 304;
    }

    /** The status. Headers and body may hold secrets. */
    @Override
    public String toString() {
        return "Answer[" + status + "]";
    }
}
