package gatelodge

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// backend is a gRPC service of an application's own: it says whose call it is, on a unary call and on a stream.
type backend struct {
	v1.UnimplementedAdminServiceServer
}

func (backend) GetSession(ctx context.Context, _ *v1.GetSessionRequest) (*v1.GetSessionResponse, error) {
	return &v1.GetSessionResponse{Session: &v1.Session{UserAgent: whose(ctx)}}, nil
}

func whose(ctx context.Context) string {
	if session, ok := SessionFrom(ctx); ok {
		return session.UserID
	}
	return "nobody"
}

var streamOfBackend = grpc.StreamDesc{
	StreamName: "Watch", ServerStreams: true,
	Handler: func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&v1.GetSessionRequest{}); err != nil {
			return err
		}
		return stream.SendMsg(&v1.GetSessionResponse{Session: &v1.Session{UserAgent: whose(stream.Context())}})
	},
}

// serve starts the backend behind these interceptors, and returns a way to call it: unary and as a stream.
func serve(t *testing.T, opts ...grpc.ServerOption) (conn *grpc.ClientConn, ask map[string]func(context.Context) (string, error)) {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(opts...)
	v1.RegisterAdminServiceServer(server, backend{})
	healthv1.RegisterHealthServer(server, health.NewServer())
	streams := grpc.ServiceDesc{ServiceName: "test.Backend", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{streamOfBackend}}
	server.RegisterService(&streams, struct{}{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///backend", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, map[string]func(context.Context) (string, error){
		"unary": func(ctx context.Context) (string, error) {
			said, err := v1.NewAdminServiceClient(conn).GetSession(ctx, &v1.GetSessionRequest{})
			return said.GetSession().GetUserAgent(), err
		},
		"stream": func(ctx context.Context) (string, error) {
			stream, err := conn.NewStream(ctx, &streamOfBackend, "/test.Backend/Watch")
			if err != nil {
				return "", err
			}
			if err := stream.SendMsg(&v1.GetSessionRequest{}); err != nil {
				return "", err
			}
			said := &v1.GetSessionResponse{}
			err = stream.RecvMsg(said)
			return said.GetSession().GetUserAgent(), err
		},
	}
}

func TestTheSessionReachesTheHandlersOfAGRPCServer(t *testing.T) {
	s := withSettings()
	s.say(validate, func(q *v1.ValidateSessionRequest) *v1.ValidateSessionResponse {
		if got := strings.Join(pairs(q.Cookies), " "); q.Context != nil || q.CanSetCookies ||
			got != "session=a __Host-session=b" && got != "" {
			t.Errorf("asked %q, %v", got, q.Context)
		}
		if len(q.Cookies) == 0 {
			return inactive(1, nil)
		}
		return active(func(session *v1.ActiveSession) { session.Judged = nil })
	})
	gate := gateOf(t, s)
	_, ask := serve(t, grpc.UnaryInterceptor(gate.UnarySessions), grpc.StreamInterceptor(gate.StreamSessions))
	signedIn := metadata.AppendToOutgoingContext(t.Context(), "cookie", "theme=dark; session=a", "cookie", "__Host-session=b",
		"authorization", "bearer c", "authorization", "Basic d", "x-request-id", "req-1")
	for kind, ask := range ask {
		if got, err := ask(signedIn); got != "google_1" || err != nil {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
		if got, err := ask(t.Context()); got != "nobody" || err != nil {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
	if id := s.called(validate)[0].metadata.Get("x-request-id"); len(id) != 1 {
		t.Error(id)
	}
}

func TestAGRPCServerThatRequiresSessionsEndsOtherCalls(t *testing.T) {
	s := withSettings()
	gate := gateOf(t, s)
	conn, ask := serve(t, grpc.UnaryInterceptor(gate.UnaryRequire(Scopes("admin"))),
		grpc.StreamInterceptor(gate.StreamRequire(Scopes("admin"))))
	for _, row := range []struct {
		said any
		code codes.Code
	}{
		{inactive(1, nil), codes.Unauthenticated},
		{denied(v1.DeniedReason_DENIED_REASON_SCOPE_MISSING, nil), codes.PermissionDenied},
		{active(), codes.Unavailable}, // the scope was not judged
		{fails(codes.Unauthenticated, ErrCallerUnauthenticated), codes.Unavailable},
		{fails(codes.ResourceExhausted, ErrOverloaded, retryAfter(3*time.Second)), codes.Unavailable},
		{active(func(session *v1.ActiveSession) { session.Judged.Scopes = []string{"admin"} }), codes.OK},
	} {
		s.say(validate, row.said)
		for kind, ask := range ask {
			if _, err := ask(t.Context()); status.Code(err) != row.code {
				t.Errorf("%s: %v, not %v", kind, err, row.code)
			}
		}
	}
	s.say(validate, fails(codes.ResourceExhausted, ErrOverloaded, retryAfter(3*time.Second)))
	_, err := ask["unary"](t.Context())
	info, _ := status.Convert(err).Details()[0].(*errdetails.RetryInfo)
	if info.GetRetryDelay().AsDuration() != 3*time.Second {
		t.Error(err)
	}
	before := len(s.called(validate))
	said, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || said.Status != healthv1.HealthCheckResponse_SERVING || len(s.called(validate)) != before {
		t.Error("health needs no session", err)
	}
}
