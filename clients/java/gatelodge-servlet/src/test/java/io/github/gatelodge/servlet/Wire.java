package io.github.gatelodge.servlet;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** HTTP as bytes: one request on a connection of its own. */
final class Wire {
    private Wire() {}

    /** What came back. */
    record Response(int status, List<String> lines, String body) {
        List<String> all(String name) {
            String prefix = name.toLowerCase(Locale.ROOT) + ":";
            return lines.stream()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(prefix))
                    .map(line -> line.substring(prefix.length()).strip())
                    .toList();
        }
    }

    static Response send(int port, String method, String target, String body, String... lines) throws IOException {
        List<String> head = new ArrayList<>(List.of(method + " " + target + " HTTP/1.1", "Host: localhost:8000"));
        head.addAll(List.of(lines));
        head.add("Content-Length: " + body.length());
        head.add("Connection: close");
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(20_000);
            OutputStream out = socket.getOutputStream();
            out.write((String.join("\r\n", head) + "\r\n\r\n" + body).getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            String[] parts = all.split("\r\n\r\n", 2);
            List<String> came = List.of(parts[0].split("\r\n", -1));
            return new Response(Integer.parseInt(came.get(0).split(" ", 3)[1]), came.subList(1, came.size()), parts[1]);
        }
    }
}
