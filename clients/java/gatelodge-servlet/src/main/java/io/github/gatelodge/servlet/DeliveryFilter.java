package io.github.gatelodge.servlet;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/**
 * Makes room for the authority's cookies in the response to every request that brought some. Where
 * {@link Sessions#admit} is used it has to stand before; a {@link SessionFilter} needs none.
 */
public final class DeliveryFilter extends HttpFilter {
    private static final long serialVersionUID = 1L;

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (request.getHeader("Cookie") == null) {
            chain.doFilter(request, response);
            return;
        }
        Delivery delivery = Delivery.ensure(request, response);
        try {
            chain.doFilter(delivery.before(request), delivery);
        } finally {
            delivery.end();
        }
    }
}
