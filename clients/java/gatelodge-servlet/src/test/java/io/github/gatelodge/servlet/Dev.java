package io.github.gatelodge.servlet;

import io.github.gatelodge.ClientOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.CookieManager;
import java.net.CookiePolicy;
import java.net.HttpCookie;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A real authority with a development provider, {@code gatelodge dev --ephemeral}. */
final class Dev implements AutoCloseable {
    private static final Pattern KEY = Pattern.compile("^ {2}(edge|backend|admin) +(glk_\\S+)$");

    private final Process process;
    private final String address;
    private final URI site;
    private final Map<String, String> keys = new HashMap<>();

    /** Starts it, and waits until it serves. Its path is GATELODGE_BIN. */
    Dev() throws IOException, InterruptedException {
        String listen = "127.0.0.1:" + freePort();
        int edge = freePort();
        this.address = "http://" + listen;
        this.site = URI.create("http://localhost:" + edge);
        String program = System.getenv().getOrDefault("GATELODGE_BIN", "../../target/debug/gatelodge");
        this.process = new ProcessBuilder(
                        program,
                        "dev",
                        "--ephemeral",
                        "--listen",
                        listen,
                        "--edge-listen",
                        "127.0.0.1:" + edge,
                        "--provider-listen",
                        "127.0.0.1:" + freePort())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        BufferedReader said =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = said.readLine();
        while (line != null && !line.startsWith("Ctrl-C")) {
            Matcher key = KEY.matcher(line);
            if (key.matches()) {
                keys.put(key.group(1), key.group(2));
            }
            line = said.readLine();
        }
        if (line == null) {
            throw new IOException(program + " did not start");
        }
    }

    /** How an edge reaches it. */
    ClientOptions options() {
        return ClientOptions.of(address, keys.getOrDefault("edge", ""));
    }

    /** Logs somebody in as a person would, through the authority's own edge. Gives the value of the session cookie. */
    String logIn() throws IOException, InterruptedException {
        CookieManager cookies = new CookieManager(null, CookiePolicy.ACCEPT_ALL) {
            @Override
            public void put(URI from, Map<String, List<String>> headers) throws IOException {
                super.put(from, headers);
                getCookieStore().getCookies().forEach(cookie -> cookie.setVersion(0)); // browsers quote nothing
            }
        };
        HttpClient browser = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NORMAL)
                .cookieHandler(cookies)
                .build();
        URI login = site.resolve("/auth/web/login?provider=dev");
        HttpResponse<String> page = send(browser, HttpRequest.newBuilder(login).build());
        while (page.statusCode() == 503) { // its edge has no settings yet
            Thread.sleep(50);
            page = send(browser, HttpRequest.newBuilder(login).build());
        }
        Matcher form = Pattern.compile("name=\"form\" value=\"([^\"]+)\"").matcher(page.body());
        if (!form.find()) {
            throw new IOException("the provider has no form: " + page);
        }
        String body = "form=" + URLEncoder.encode(form.group(1), StandardCharsets.UTF_8)
                + "&username=testuser1%40example.com&password=password123";
        send(
                browser,
                HttpRequest.newBuilder(page.uri().resolve("/login"))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(BodyPublishers.ofString(body))
                        .build());
        return cookies.getCookieStore().getCookies().stream()
                .filter(cookie -> cookie.getName().equals("session"))
                .map(HttpCookie::getValue)
                .findFirst()
                .orElseThrow(() -> new IOException("a login without a session"));
    }

    private static HttpResponse<String> send(HttpClient browser, HttpRequest request)
            throws IOException, InterruptedException {
        return browser.send(request, BodyHandlers.ofString());
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
    }
}
