package io.github.gatelodge.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.github.gatelodge.edge.Answer;
import io.github.gatelodge.edge.Answer.Header;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SentTest {
    private static final class Typed extends HttpServlet {
        private static final long serialVersionUID = 1L;
        private final String contentType;

        Typed(String contentType) {
            this.contentType = contentType;
        }

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            List<Header> headers = List.of(new Header("Content-Type", contentType), new Header("X-Own", "a ; b"));
            Sent.write(new Answer(200, headers, ByteString.copyFromUtf8("x")), request, response);
        }
    }

    /**
     * Whichever method of the Servlet API is called, a content type becomes the container's own, which writes a charset
     * in its own form. RFC 9110 (8.3.1) holds the two equal. All else is copied byte for byte.
     */
    @ParameterizedTest
    @CsvSource({
        "text/html; charset=iso-8859-1, text/html;charset=iso-8859-1",
        "text/html;charset=utf-8, text/html;charset=utf-8",
        "application/x-y+json; a=\"b\", application/x-y+json; a=\"b\""
    })
    void aContentTypeIsCopiedButForTheSpaceBeforeACharset(String given, String sent) throws Exception {
        ServletContextHandler handler = new ServletContextHandler();
        handler.addServlet(new Typed(given), "/");
        Server server = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        server.setHandler(handler);
        server.start();
        try {
            int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
            Wire.Response got = Wire.send(port, "GET", "/", "");
            assertEquals(List.of(sent), got.all("content-type"));
            assertEquals(List.of("a ; b"), got.all("x-own"));
        } finally {
            server.stop();
        }
    }
}
