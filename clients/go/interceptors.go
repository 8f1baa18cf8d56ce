package gatelodge

import (
	"context"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// UnarySessions looks for the session behind every call of a gRPC server, and puts it into the handler's context, see
// [SessionFrom]:
//
//	grpc.NewServer(grpc.ChainUnaryInterceptor(gate.UnarySessions), grpc.ChainStreamInterceptor(gate.StreamSessions))
//
// The credential is the session cookie in the metadata "cookie", as a gateway passes it on; a bearer token is none (see
// [Client.CheckToken]). No request context is sent, since the peer is no browser: scopes and the age of the login
// are judged, and CSRF, origin and fingerprint are not. Let browsers call through an edge.
//
// A call without a session goes ahead; when the authority can't say, it ends UNAVAILABLE. grpc.health.v1 passes unasked.
func (g *Gate) UnarySessions(
	ctx context.Context, question any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	return g.unary(false, nil)(ctx, question, call, next)
}

// UnaryRequire is as [Gate.UnarySessions], for servers that nobody may call without a session: such a call ends
// UNAUTHENTICATED, and one whose session lacks a requirement PERMISSION_DENIED.
func (g *Gate) UnaryRequire(needs ...Requirement) grpc.UnaryServerInterceptor {
	return g.unary(true, needs)
}

// StreamSessions is [Gate.UnarySessions] for streams. The session is looked for when a stream begins; a stream that lasts
// does not notice its end.
func (g *Gate) StreamSessions(
	server any, stream grpc.ServerStream, call *grpc.StreamServerInfo, next grpc.StreamHandler,
) error {
	return g.stream(false, nil)(server, stream, call, next)
}

// StreamRequire is [Gate.UnaryRequire] for streams.
func (g *Gate) StreamRequire(needs ...Requirement) grpc.StreamServerInterceptor {
	return g.stream(true, needs)
}

func (g *Gate) unary(isRequired bool, needs []Requirement) grpc.UnaryServerInterceptor {
	needed := requirements(needs)
	return func(ctx context.Context, question any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		ctx, err := g.admit(ctx, call.FullMethod, isRequired, needed)
		if err != nil {
			return nil, err
		}
		return next(ctx, question)
	}
}

func (g *Gate) stream(isRequired bool, needs []Requirement) grpc.StreamServerInterceptor {
	needed := requirements(needs)
	return func(server any, stream grpc.ServerStream, call *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, err := g.admit(stream.Context(), call.FullMethod, isRequired, needed)
		if err != nil {
			return err
		}
		return next(server, &streamOf{ServerStream: stream, ctx: ctx})
	}
}

// streamOf is a stream with a session in its context.
type streamOf struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *streamOf) Context() context.Context { return s.ctx }

// admit returns the handler's context, or the status that the call ends with.
func (g *Gate) admit(
	ctx context.Context, method string, isRequired bool, needed *v1.Requirements,
) (context.Context, error) {
	if isHealth(method) {
		return ctx, nil
	}
	came, _ := metadata.FromIncomingContext(ctx)
	id := requestID(came["x-request-id"])
	verdict, err := g.checkCall(WithRequestID(ctx, id), came, needed)
	if err != nil {
		return nil, unavailable(logFailure(g.client.logger.With("request_id", id, "method", method), err))
	}
	switch {
	case verdict.Denied != nil:
		return nil, status.Error(codes.PermissionDenied, "This session may not make this call. "+verdict.Denied.GetRemedy())
	case verdict.Session == nil && isRequired:
		return nil, status.Error(codes.Unauthenticated, "You are not signed in.")
	}
	return ContextWithSession(ctx, verdict.Session), nil
}

func (g *Gate) checkCall(ctx context.Context, came metadata.MD, needed *v1.Requirements) (*Verdict, error) {
	settings := g.settings(strings.Join(came[":authority"], ", "))
	if settings == nil {
		return nil, noSettings()
	}
	cookies := cookiesNamed(came["cookie"], settings.sessionCookies, settings.limits)
	verdict, err := g.sessions.Check(ctx, &v1.ValidateSessionRequest{Cookies: cookies, Requirements: needed})
	if err == nil {
		g.sawVersion(verdict.SettingsVersion)
	}
	return verdict, err
}

func isHealth(method string) bool {
	return strings.HasPrefix(method, "/"+healthv1.Health_ServiceDesc.ServiceName+"/")
}

// unavailable is "could not say" for gRPC. It is never the authority's own status: that one speaks of this server's key.
func unavailable(cause *Error) error {
	said := status.New(codes.Unavailable, "The service can't check your session right now. Try again in a moment.")
	if cause != nil && cause.RetryAfter > 0 {
		if with, err := said.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(cause.RetryAfter)}); err == nil {
			said = with
		}
	}
	return said.Err()
}
