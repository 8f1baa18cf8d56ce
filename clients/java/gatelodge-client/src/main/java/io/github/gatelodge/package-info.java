/**
 * The way from a Java program to a Gatelodge authority.
 *
 * <p>{@link io.github.gatelodge.GatelodgeClient} has every call; {@link io.github.gatelodge.Verdict} and
 * {@link io.github.gatelodge.Session} say what an answer means; {@code io.github.gatelodge.error} why there is none.
 * The messages are in {@code io.github.gatelodge.v1}. What an edge does is in {@code io.github.gatelodge.edge}; most
 * applications take it from {@code gatelodge-servlet} or {@code gatelodge-spring-boot-starter}.
 */
@NullMarked
package io.github.gatelodge;

import org.jspecify.annotations.NullMarked;
