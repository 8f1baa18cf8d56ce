/**
 * An authority for the tests of an application, in memory and without a network:
 *
 * <pre>{@code
 * try (FakeAuthority authority = new FakeAuthority()) {
 *     Edge edge = Edge.of(authority.client());
 *     SignedIn ada = authority.signIn(Person.of("google_1").withScopes("admin"));
 *     // send ada.cookie() as the Cookie header, and ada.csrfToken() as X-CSRF-Token
 * }
 * }</pre>
 *
 * <p>It answers as the real one does as far as an application can tell, and can be away, slow or denying.
 */
@NullMarked
package io.github.gatelodge.testing;

import org.jspecify.annotations.NullMarked;
