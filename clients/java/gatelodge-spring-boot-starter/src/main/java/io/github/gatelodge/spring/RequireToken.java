package io.github.gatelodge.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Lets nobody in without a good bearer token: others get 401 or 403 with WWW-Authenticate (RFC 6750). On a controller
 * it holds for all its methods; a method's own takes its place.
 */
@Documented
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
public @interface RequireToken {
    /** Scopes that the token must all have been granted. */
    String[] scopes() default {};

    /** Scopes of which the token must have been granted at least one. */
    String[] anyScopes() default {};

    /** Permissions that the token must all have. */
    String[] permissions() default {};

    /** Permissions of which the token must have at least one. */
    String[] anyPermissions() default {};

    /** Roles that the token must all name. */
    String[] roles() default {};

    /** Whether the token must say that the email address is verified. */
    boolean emailVerified() default false;

    /** Authentication context classes, the preferred one first, of which the token must name one. */
    String[] acrValues() default {};

    /** Authentication methods (RFC 8176) that the token must all name. */
    String[] amrValues() default {};

    /** How long ago the user may have authenticated at most, such as {@code 5m}; empty for any time. */
    String maxLoginAge() default "";

    /** Whom the token must be for; empty for any audience of the authority's configuration. */
    String audience() default "";

    /** The provider that issued it, for opaque tokens where several are asked; empty for the one that it names. */
    String provider() default "";
}
