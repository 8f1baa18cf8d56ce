package io.github.gatelodge.edge;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request that a test writes: a method, a target, and lines of headers as "name: value". */
record Request(String method, String target, String peerAddress, List<String> lines) implements BrowserRequest {
    static Request get(String target, String... lines) {
        return new Request("GET", target, "192.0.2.7", List.of(lines));
    }

    static Request post(String target, String... lines) {
        return new Request("POST", target, "192.0.2.7", List.of(lines));
    }

    Request from(String peer) {
        return new Request(method, target, peer, lines);
    }

    @Override
    public String path() {
        return target.split("\\?", 2)[0];
    }

    @Override
    public @Nullable String query() {
        int at = target.indexOf('?');
        return at < 0 ? null : target.substring(at + 1);
    }

    @Override
    public List<String> headers(String name) {
        List<String> values = new ArrayList<>();
        for (String line : lines) {
            String[] parts = line.split(": ?", 2);
            if (parts[0].equalsIgnoreCase(name)) {
                values.add(parts[1]);
            }
        }
        return values;
    }
}
