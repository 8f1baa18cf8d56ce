package io.github.gatelodge.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Lets nobody in without a session: a browser is sent to the login, a fetch gets 401 JSON. On a controller it holds for
 * all its methods; a method's own takes its place.
 */
@Documented
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
public @interface RequireSession {
    /** Scopes that the session must all have been granted. */
    String[] scopes() default {};

    /** Scopes of which the session must have been granted at least one. */
    String[] anyScopes() default {};

    /** Permissions that the user must all have. */
    String[] permissions() default {};

    /** Permissions of which the user must have at least one. */
    String[] anyPermissions() default {};

    /** Roles that the user must all have. */
    String[] roles() default {};

    /** Whether the provider must have verified the user's email address. */
    boolean emailVerified() default false;

    /**
     * Authentication context classes, the preferred one first, of which the login must have had one. Others are sent to
     * log in in that way, and come back with the same session.
     */
    String[] acrValues() default {};

    /** Authentication methods (RFC 8176) that the login must all have used. Others are sent to log in again. */
    String[] amrValues() default {};

    /** How long ago the user may have authenticated at most, such as {@code 5m}; empty for any time. */
    String maxLoginAge() default "";

    /** Whether a request needs a CSRF token. */
    Csrf csrf() default Csrf.BY_METHOD;

    /** Whether a request needs a CSRF token. */
    enum Csrf {
        /** For all methods but GET, HEAD, OPTIONS and TRACE. */
        BY_METHOD,
        /** Whatever the method. */
        REQUIRED,
        /** Never, and no origin is judged: for routes that are guarded in another way. */
        NOT_REQUIRED
    }
}
