package io.github.gatelodge.error;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A call that brought no answer: the base of all that a call can throw.
 *
 * <p>It never speaks of the browser's session: answer 503, and leave the cookies alone.
 */
public class GatelodgeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Failure failure;

    /** A failure for which there is no class of its own. */
    public GatelodgeException(Failure failure) {
        super(failure.message());
        this.failure = failure;
    }

    /**
     * The exception that stands for a failure: by its reason, or by its code where the reason is missing or not known
     * here.
     */
    public static GatelodgeException of(Failure failure) {
        return Reasons.exception(failure).orElseGet(() -> byCode(failure));
    }

    private static GatelodgeException byCode(Failure failure) {
        return switch (failure.code()) {
            case UNAVAILABLE ->
                failure.reason() == null ? new UnreachableException(failure) : new GatelodgeException(failure);
            case UNAUTHENTICATED -> new CallerUnauthenticatedException(failure);
            case PERMISSION_DENIED -> new CallerNotAllowedException(failure);
            case DEADLINE_EXCEEDED -> new DeadlineExceededException(failure);
            default -> new GatelodgeException(failure);
        };
    }

    /** No authority answered at this address. */
    public static GatelodgeException unreachable(Failure failure, String address) {
        return of(failure.withMessage("the authority at " + address + " can't be reached: " + failure.message()));
    }

    /** What answered at this address is something else. */
    public static GatelodgeException stranger(Failure failure, String address) {
        return of(failure.withMessage("what answers at " + address + " is no authority: " + failure.message()));
    }

    /** All that is known of it. */
    public Failure failure() {
        return failure;
    }

    /** The gRPC status code. */
    public Status.Code code() {
        return failure.code();
    }

    /** The contract's machine-readable reason, such as {@code STORE_UNAVAILABLE}, when one came. */
    public Optional<String> reason() {
        return Optional.ofNullable(failure.reason());
    }

    /** The id under which the authority's log holds the cause. */
    public Optional<String> requestId() {
        return Optional.ofNullable(failure.requestId());
    }

    /** How long to wait before asking again, when the authority said so. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(failure.retryAfter());
    }

    /** The refused fields, for {@code INVALID_ARGUMENT}. */
    public List<Failure.FieldViolation> fieldViolations() {
        return failure.fieldViolations();
    }

    /** Whether the same call may succeed later. */
    public boolean isRetryable() {
        boolean isOverload = code() == Status.Code.RESOURCE_EXHAUSTED && failure.retryAfter() != null;
        return code() == Status.Code.UNAVAILABLE || isOverload;
    }

    /** Whether the API key is what is wrong. */
    public boolean isAboutKey() {
        return !isAboutTenant() && (code() == Status.Code.UNAUTHENTICATED || code() == Status.Code.PERMISSION_DENIED);
    }

    /** Whether the tenant that calls are for is what is wrong: none is named, or one that the key is not for. */
    public boolean isAboutTenant() {
        return TenantUnknownException.REASON.equals(failure.reason());
    }

    @Override
    public String getMessage() {
        StringBuilder text = new StringBuilder(failure.message()).append(" (").append(code());
        reason().ifPresent(reason -> text.append(", ").append(reason));
        requestId().ifPresent(id -> text.append(", request ").append(id));
        text.append(')');
        if (isAboutKey()) {
            text.append(": check GATELODGE_API_KEY");
        } else if (isAboutTenant()) {
            text.append(": check GATELODGE_TENANT");
        }
        return text.toString();
    }
}
