package gatelodge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A Reason is the machine-readable reason of a failed call, as in ErrorReason of the contract. It is an error only so
// that [errors.Is] can look for it:
//
//	errors.Is(err, gatelodge.ErrStoreUnavailable)
//
// An authority that is newer than this module may send others; judge those by the code.
type Reason string

// The reasons of the contract.
const (
	// The call came without a valid API key.
	ErrCallerUnauthenticated Reason = "CALLER_UNAUTHENTICATED"
	// The API key is valid, but its role may not call this method.
	ErrCallerNotAllowed Reason = "CALLER_NOT_ALLOWED"
	// A field of the caller's own is missing, malformed or too large: see [Error.Fields].
	ErrInvalidField Reason = "INVALID_FIELD"
	// A requirement can't be judged without the request context, which the call left out.
	ErrContextRequired Reason = "CONTEXT_REQUIRED"
	// The session store can't be reached, or did not answer in time.
	ErrStoreUnavailable Reason = "STORE_UNAVAILABLE"
	// The record is sealed with a key that this authority has not loaded.
	ErrKeyUnavailable Reason = "KEY_UNAVAILABLE"
	// The identity provider can't be reached, or answered with trouble.
	ErrProviderUnavailable Reason = "PROVIDER_UNAVAILABLE"
	// The identity provider refused the session's refresh or access token: only a new login brings new tokens.
	ErrProviderRefused Reason = "PROVIDER_REFUSED"
	// The session holds no refresh token.
	ErrNoRefreshToken Reason = "NO_REFRESH_TOKEN"
	// The session's access token lives shorter than asked for, and can't be refreshed.
	ErrAccessTokenExpired Reason = "ACCESS_TOKEN_EXPIRED"
	// Another call is refreshing this session's tokens and has not finished.
	ErrRefreshInProgress Reason = "REFRESH_IN_PROGRESS"
	// No living session has this public id.
	ErrSessionNotFound Reason = "SESSION_NOT_FOUND"
	// No user has this id: nobody has logged in with it, or the user was deleted long ago.
	ErrUserNotFound Reason = "USER_NOT_FOUND"
	// What was to be changed has another version by now: read it again, and decide again.
	ErrVersionConflict Reason = "VERSION_CONFLICT"
	// The call's deadline passed before there was an answer.
	ErrDeadlineExceeded Reason = "DEADLINE_EXCEEDED"
	// This authority has no such method: it may be older than this module.
	ErrMethodUnknown Reason = "METHOD_UNKNOWN"
	// A fault of the authority itself; its log holds the cause under the request id.
	ErrInternal Reason = "INTERNAL"
	// The authority has more calls in flight than it takes on.
	ErrOverloaded Reason = "OVERLOADED"
	// No token is given for the audience that was named.
	ErrAudienceRefused Reason = "AUDIENCE_REFUSED"
	// The authority mints no tokens.
	ErrMintingOff Reason = "MINTING_OFF"
	// No token for another audience can be had of the session's identity provider.
	ErrExchangeUnsupported Reason = "EXCHANGE_UNSUPPORTED"
	// The authority checks no access tokens.
	ErrTokenCheckOff Reason = "TOKEN_CHECK_OFF"
	// The session's identity provider offers no user info that could be asked again.
	ErrUserInfoUnsupported Reason = "USER_INFO_UNSUPPORTED"
	// The authority has ended a stream that did nothing wrong: open another, and ask again what was not answered.
	ErrStreamEnded Reason = "STREAM_ENDED"
	// The call names no tenant, or one that this API key is not for.
	ErrTenantUnknown Reason = "TENANT_UNKNOWN"
	// A client, or all clients of the tenant together, did too often what anybody can: log in, or come with something forged.
	ErrRateLimited Reason = "RATE_LIMITED"
	// The idempotency key came with another request before; nothing was done.
	ErrIdempotencyKeyReused Reason = "IDEMPOTENCY_KEY_REUSED"
	// The tenant has as many API keys that were made at run time as it may have.
	ErrCallerKeyLimit Reason = "CALLER_KEY_LIMIT"
	// The tenant keeps no audit entries.
	ErrAuditOff Reason = "AUDIT_OFF"
	// No audit entry is kept of this request id.
	ErrRequestUnknown Reason = "REQUEST_UNKNOWN"
)

func (r Reason) Error() string { return "gatelodge: " + string(r) }

// An Error is a call that brought no answer. It never speaks of the browser's session: nobody is logged out because of
// it. That is also why it is no gRPC status: a server that hands it on must not tell its own caller UNAUTHENTICATED
// because its key is wrong.
type Error struct {
	// Code is the gRPC status code. It is codes.Unknown for an OK answer from which nothing may be concluded.
	Code codes.Code
	// Reason is more exact than the code. Empty when none came: the call failed before it reached an authority, or on the
	// way back.
	Reason Reason
	// Message is one sentence for people.
	Message string
	// RequestID is the id under which the authority's log holds the cause.
	RequestID string
	// RetryAfter is how long to wait before a retry, when the authority said so.
	RetryAfter time.Duration
	// Fields are the refused fields, for INVALID_ARGUMENT.
	Fields []FieldViolation
	// Answer is what an edge answers its browser in place of 503: the authority gives it for trouble of the provider.
	Answer *v1.HttpAnswer

	cause error
}

// A FieldViolation is a field of the caller's own that the authority refused.
type FieldViolation struct {
	// Field is its path in the request.
	Field string
	// Description is what is wrong with it.
	Description string
}

func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "gatelodge: %s (%v", e.Message, e.Code)
	if e.Reason != "" {
		text.WriteString(", " + string(e.Reason))
	}
	if e.RequestID != "" {
		text.WriteString(", request " + e.RequestID)
	}
	text.WriteString(")")
	if setting := e.isAbout(); setting != "" {
		text.WriteString(": check " + setting)
	}
	return text.String()
}

// Is reports whether target is this error's reason.
func (e *Error) Is(target error) bool {
	reason, ok := target.(Reason)
	return ok && reason != "" && reason == e.Reason
}

// Unwrap returns the context's error, if the call ended because its context did.
func (e *Error) Unwrap() error { return e.cause }

// Retryable says whether the same call may succeed later: UNAVAILABLE, or an overload that says when to come back.
func (e *Error) Retryable() bool {
	return e.Code == codes.Unavailable || (e.Code == codes.ResourceExhausted && e.RetryAfter > 0)
}

// isUnreached says whether no authority was there to give a reason.
func (e *Error) isUnreached() bool { return e.Code == codes.Unavailable && e.Reason == "" }

// isStrange says whether gRPC makes this of an answer in plain HTTP. An authority gives a reason with it.
func (e *Error) isStrange() bool {
	return e.Reason == "" && (e.Code == codes.Unknown || e.Code == codes.Unimplemented || e.Code == codes.Internal)
}

// isAbout returns the setting that an operator has to look at, if it is clear which.
func (e *Error) isAbout() string {
	switch {
	case e.Reason == ErrTenantUnknown:
		return EnvTenant
	case e.Code == codes.Unauthenticated || e.Code == codes.PermissionDenied:
		return EnvAPIKey
	}
	return ""
}

// couldNotSay is an OK answer from which nothing may be concluded.
func couldNotSay(message string) *Error { return &Error{Code: codes.Unknown, Message: message} }

func noSettings() *Error { return couldNotSay("no settings have come from the authority yet") }

// failure reads what gRPC made of a failed call. The context is the caller's own, without the method's deadline.
func (c *caller) failure(ctx context.Context, err error) *Error {
	if known := (*Error)(nil); errors.As(err, &known) {
		return known
	}
	got := status.Convert(err)
	if errors.Is(err, context.DeadlineExceeded) {
		got = status.FromContextError(context.DeadlineExceeded)
	}
	failure := &Error{Code: got.Code(), Message: got.Message()}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Code: codes.Canceled, Message: "the call was given up", cause: context.Canceled}
	case c.closed.Load():
		return &Error{Code: codes.Canceled, Message: "the client is closed", cause: context.Canceled}
	case failure.Code == codes.Canceled, failure.Code == codes.DeadlineExceeded:
		// A unary call that we still wait for is cancelled by nobody but a timeout, here or at the authority.
		message := fmt.Sprintf("the authority at %s did not answer in time", c.at())
		failure = &Error{Code: codes.DeadlineExceeded, Reason: ErrDeadlineExceeded, Message: message}
		failure.cause = context.DeadlineExceeded
	}
	for _, detail := range got.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failure.Reason = Reason(detail.Reason)
			failure.RequestID = detail.Metadata["request_id"]
		case *errdetails.RetryInfo:
			failure.RetryAfter = detail.RetryDelay.AsDuration()
		case *v1.HttpAnswer:
			failure.Answer = detail
		case *errdetails.BadRequest:
			for _, field := range detail.FieldViolations {
				failure.Fields = append(failure.Fields, FieldViolation{Field: field.Field, Description: field.Description})
			}
		}
	}
	switch {
	case failure.isUnreached():
		failure.Message = fmt.Sprintf("the authority at %s can't be reached: %s", c.at(), failure.Message)
	case failure.isStrange():
		failure.Message = fmt.Sprintf("what answers at %s is no authority: %s", c.at(), failure.Message)
	}
	return failure
}

func (c *caller) at() string {
	if c.address == "" {
		return "the given connection"
	}
	return c.address + " (" + EnvAddress + ")"
}
