/**
 * Gatelodge for Spring Boot 3 with Spring MVC. With two settings, {@code GATELODGE_ADDRESS} and
 * {@code GATELODGE_API_KEY}, the routes that log people in and out are there, and a method of a controller that takes a
 * {@link io.github.gatelodge.Session} lets nobody in without one.
 */
@NullMarked
package io.github.gatelodge.spring;

import org.jspecify.annotations.NullMarked;
