package io.github.gatelodge.error;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.github.gatelodge.v1.HttpAnswer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a call that brought no answer.
 *
 * @param code the gRPC status code
 * @param reason the contract's machine-readable reason, such as {@code STORE_UNAVAILABLE}; null when none came: the
 *     call failed before it reached an authority, or on the way back
 * @param message one sentence for people
 * @param requestId the id under which the authority's log holds the cause
 * @param retryAfter how long to wait before asking again, when the authority said so
 * @param fieldViolations the refused fields, for {@code INVALID_ARGUMENT}
 * @param answer what an edge answers its browser in place of 503: the authority gives it for trouble of the provider
 */
public record Failure(
        Status.Code code,
        @Nullable String reason,
        String message,
        @Nullable String requestId,
        @Nullable Duration retryAfter,
        List<FieldViolation> fieldViolations,
        @Nullable HttpAnswer answer)
        implements Serializable {

    /**
     * A field of the caller's own that the authority refused.
     *
     * @param field its path in the request
     * @param description what is wrong with it
     */
    public record FieldViolation(String field, String description) implements Serializable {}

    public Failure {
        fieldViolations = List.copyOf(fieldViolations);
    }

    /** A failure of which no more is known than its code. */
    public static Failure of(Status.Code code, String message) {
        return new Failure(code, null, message, null, null, List.of(), null);
    }

    /** What gRPC made of a failed call, with what its details say. */
    public static Failure of(StatusRuntimeException failed) {
        Status status = failed.getStatus();
        String reason = null;
        String requestId = null;
        Duration retryAfter = null;
        List<FieldViolation> violations = List.of();
        HttpAnswer answer = null;
        for (Any detail : details(failed)) {
            try {
                if (detail.is(ErrorInfo.class)) {
                    ErrorInfo info = detail.unpack(ErrorInfo.class);
                    reason = info.getReason().isEmpty() ? null : info.getReason();
                    requestId = info.getMetadataMap().get("request_id");
                } else if (detail.is(RetryInfo.class)) {
                    com.google.protobuf.Duration delay =
                            detail.unpack(RetryInfo.class).getRetryDelay();
                    retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
                } else if (detail.is(HttpAnswer.class)) {
                    answer = detail.unpack(HttpAnswer.class);
                } else if (detail.is(BadRequest.class)) {
                    violations = detail.unpack(BadRequest.class).getFieldViolationsList().stream()
                            .map(field -> new FieldViolation(field.getField(), field.getDescription()))
                            .toList();
                }
            } catch (InvalidProtocolBufferException unreadable) {
                // Without details the code still counts.
            }
        }
        String description = status.getDescription() == null ? "the call failed" : status.getDescription();
        Throwable cause = status.getCause();
        String message =
                cause == null || cause.getMessage() == null ? description : description + ": " + cause.getMessage();
        return new Failure(status.getCode(), reason, message, requestId, retryAfter, violations, answer);
    }

    private static List<Any> details(StatusRuntimeException failed) {
        try {
            com.google.rpc.Status told = StatusProto.fromThrowable(failed);
            return told == null ? List.of() : told.getDetailsList();
        } catch (RuntimeException unreadable) { // they are for another code, or none at all
            return List.of();
        }
    }

    Failure withMessage(String other) {
        return new Failure(code, reason, other, requestId, retryAfter, fieldViolations, answer);
    }
}
