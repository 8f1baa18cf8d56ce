/**
 * Gatelodge for applications of Jakarta Servlet 6: {@link io.github.gatelodge.servlet.EdgeFilter} has the routes that
 * log people in and out, {@link io.github.gatelodge.servlet.SessionFilter} looks for sessions on the application's own,
 * and {@link io.github.gatelodge.servlet.Sessions} says who it is.
 */
@NullMarked
package io.github.gatelodge.servlet;

import org.jspecify.annotations.NullMarked;
