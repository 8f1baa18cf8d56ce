package io.github.gatelodge.servlet;

import com.google.protobuf.ByteString;
import io.github.gatelodge.edge.Edge;
import io.github.gatelodge.edge.EdgeCall;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Optional;

/**
 * Answers the requests of an edge's routes, and leaves all others alone. Put it before filters that read bodies or
 * change requests.
 */
public final class EdgeFilter extends HttpFilter {
    private static final long serialVersionUID = 1L;
    private final transient Edge edge;

    public EdgeFilter(Edge edge) {
        this.edge = edge;
    }

    /** Mounts the routes of an edge, in one line. */
    public static void mount(ServletContext context, Edge edge) {
        FilterRegistration.Dynamic mounted = context.addFilter("gatelodge-edge", new EdgeFilter(edge));
        mounted.setAsyncSupported(true);
        mounted.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), false, "/*");
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Optional<EdgeCall> call = edge.begin(new Came(request));
        if (call.isEmpty()) {
            chain.doFilter(request, response);
        } else if (call.get().bodyBytes() == 0) {
            Sent.write(call.get().answer(ByteString.EMPTY), request, response);
        } else {
            Form.read(call.get(), request, response);
        }
    }
}
