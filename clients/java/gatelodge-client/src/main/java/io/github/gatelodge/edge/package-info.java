/**
 * What an edge does whatever the framework: the routes that log people in and out
 * ({@link io.github.gatelodge.edge.Edge}), and sessions on an application's own routes
 * ({@link io.github.gatelodge.edge.Gate}).
 *
 * <p>Nothing here decides. What becomes HTTP comes finished from the authority, and whatever is not a definite answer
 * is 503, with the browser's cookies left alone. An adapter turns a framework's request into a
 * {@link io.github.gatelodge.edge.BrowserRequest} and writes the {@link io.github.gatelodge.edge.Answer}.
 *
 * <p>Text from a browser is one character per byte here (ISO 8859-1), as servlets hand it out: nothing is decoded.
 */
@NullMarked
package io.github.gatelodge.edge;

import org.jspecify.annotations.NullMarked;
