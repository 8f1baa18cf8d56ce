package gatelodge

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
)

// scripted is a connection to an authority whose every answer a test writes: per method one answer after the other, and
// the last again and again. Streams are served by a function for each method.
type scripted struct {
	mu      sync.Mutex
	lines   map[string][]any // proto.Message, error, func(context.Context) error, or a function of the question
	calls   map[string][]call
	streams map[string]func(*scriptedStream) error
}

type call struct {
	question proto.Message
	metadata metadata.MD
	timeLeft time.Duration
}

func (s *scripted) say(method string, answers ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil {
		s.lines, s.calls = map[string][]any{}, map[string][]call{}
	}
	s.lines[method] = answers
}

func (s *scripted) called(method string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s *scripted) Invoke(ctx context.Context, method string, question, answer any, _ ...grpc.CallOption) error {
	s.mu.Lock()
	md, _ := metadata.FromOutgoingContext(ctx)
	until, _ := ctx.Deadline()
	s.calls[method] = append(s.calls[method], call{proto.Clone(question.(proto.Message)), md, time.Until(until)})
	lines := s.lines[method]
	if len(lines) > 1 {
		s.lines[method] = lines[1:]
	}
	s.mu.Unlock()
	if len(lines) == 0 {
		return status.Error(codes.Unimplemented, method+" has no script")
	}
	switch line := lines[0].(type) {
	case error:
		return line
	case func(context.Context) error:
		return line(ctx)
	case func(*v1.ValidateSessionRequest) *v1.ValidateSessionResponse:
		proto.Merge(answer.(proto.Message), line(question.(*v1.ValidateSessionRequest)))
		return nil
	default:
		proto.Merge(answer.(proto.Message), line.(proto.Message))
		return nil
	}
}

func (s *scripted) serve(method string, stream func(*scriptedStream) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = map[string]func(*scriptedStream) error{}
	}
	s.streams[method] = stream
}

func (s *scripted) NewStream(
	ctx context.Context, _ *grpc.StreamDesc, method string, _ ...grpc.CallOption,
) (grpc.ClientStream, error) {
	s.mu.Lock()
	serve := s.streams[method]
	s.mu.Unlock()
	if serve == nil {
		return nil, status.Error(codes.Unimplemented, method+" has no script")
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	stream := &scriptedStream{ctx: ctx, metadata: md, asked: make(chan proto.Message), said: make(chan any)}
	go func() {
		err := serve(stream)
		if err == nil {
			err = io.EOF
		}
		stream.say(err)
	}()
	return stream, nil
}

// scriptedStream is a stream as both of its sides see it. Nobody waits any more once its context has ended.
type scriptedStream struct {
	grpc.ClientStream
	ctx      context.Context
	metadata metadata.MD
	asked    chan proto.Message
	said     chan any // proto.Message or error
}

func (s *scriptedStream) say(line any) {
	select {
	case s.said <- line:
	case <-s.ctx.Done():
	}
}

// ask returns the next question, or nil when there will be none.
func (s *scriptedStream) ask() proto.Message {
	select {
	case question := <-s.asked:
		return question
	case <-s.ctx.Done():
		return nil
	}
}

func (s *scriptedStream) SendMsg(question any) error {
	select {
	case s.asked <- proto.Clone(question.(proto.Message)):
		return nil
	case <-s.ctx.Done():
		return io.EOF
	}
}

func (s *scriptedStream) RecvMsg(answer any) error {
	select {
	case line := <-s.said:
		if err, ok := line.(error); ok {
			return err
		}
		proto.Merge(answer.(proto.Message), line.(proto.Message))
		return nil
	case <-s.ctx.Done():
		return status.FromContextError(s.ctx.Err()).Err()
	}
}

// Header takes a moment, so that in a bubble of time all have asked by then who ask at once.
func (s *scriptedStream) Header() (metadata.MD, error) {
	sleep(s.ctx, time.Microsecond)
	return metadata.MD{}, s.ctx.Err()
}

func (s *scriptedStream) CloseSend() error { return nil }

const testKey = "glk_key"

func (s *scripted) client(t testing.TB, opts ...Option) *Client {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	client, err := NewClient(append([]Option{WithConn(s), WithAPIKey(testKey), WithLogger(quiet)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// edge is one with settings, in front of the script.
func (s *scripted) edge(t testing.TB, opts ...EdgeOption) *Edge {
	t.Helper()
	edge, err := NewEdge(s.client(t), opts...)
	if err != nil {
		t.Fatal(err)
	}
	wait.ForSettings(t, edge.Gate())
	return edge
}

const (
	getSettings = v1.LoginService_GetEdgeSettings_FullMethodName
	validate    = v1.SessionService_ValidateSession_FullMethodName
	watch       = v1.SessionService_WatchSessions_FullMethodName
	checkMany   = v1.SessionService_CheckSessions_FullMethodName
	start       = v1.LoginService_StartLogin_FullMethodName
)

// withSettings is a script whose edges have settings.
func withSettings() *scripted {
	s := &scripted{}
	s.say(getSettings, settingsOf("v1"))
	return s
}

func settingsOf(version string) *v1.GetEdgeSettingsResponse {
	return &v1.GetEdgeSettingsResponse{Settings: &v1.EdgeSettings{
		Version:            version,
		AskAgainAfter:      durationpb.New(5 * time.Minute),
		SessionCookieNames: []string{"__Host-session", "session"},
		BindingCookieNames: []string{"__Host-login"},
		CsrfHeader:         "x-csrf-token",
		PublicBaseUrl:      "https://app.example.com",
		Cors: &v1.CorsSettings{
			AllowedOrigins: []string{"http://localhost:5173"},
			AllowedMethods: []string{"GET", "POST"},
			AllowedHeaders: []string{"content-type", "x-csrf-token"},
			ExposedHeaders: []string{"x-csrf-token"},
			MaxAge:         durationpb.New(10 * time.Minute),
		},
		Limits: &v1.Limits{
			MaxCookieBytes: 4096, MaxCookies: 3, MaxHeaderBytes: 100, MaxQueryBytes: 200, MaxBodyBytes: 1000,
		},
		RouteSets: []v1.RouteSet{v1.RouteSet_ROUTE_SET_WEB},
	}}
}

// active is a session that lives, with everything judged that a POST needs.
func active(changes ...func(*v1.ActiveSession)) *v1.ValidateSessionResponse {
	session := &v1.ActiveSession{
		Identity: &v1.Identity{UserId: "google_1", Provider: "google", Email: "ada@example.com"},
		Session:  &v1.SessionInfo{SessionId: "sid_1"},
		Judged:   &v1.JudgedRequirements{Csrf: true, Origin: true},
	}
	for _, change := range changes {
		change(session)
	}
	return &v1.ValidateSessionResponse{Outcome: &v1.ValidateSessionResponse_Active{Active: session}, SettingsVersion: "v1"}
}

func inactive(reason v1.InactiveReason, answer *v1.HttpAnswer) *v1.ValidateSessionResponse {
	session := &v1.InactiveSession{Reason: reason, Answer: answer}
	return &v1.ValidateSessionResponse{Outcome: &v1.ValidateSessionResponse_Inactive{Inactive: session}}
}

func denied(reason v1.DeniedReason, answer *v1.HttpAnswer) *v1.ValidateSessionResponse {
	session := &v1.DeniedSession{Reason: reason, Answer: answer, Remedy: "Do better."}
	return &v1.ValidateSessionResponse{Outcome: &v1.ValidateSessionResponse_Denied{Denied: session}}
}

// finishedAnswer is one as an authority writes it.
func finishedAnswer(status uint32, body string) *v1.HttpAnswer {
	return &v1.HttpAnswer{
		Status: status, ContentType: "application/json", Body: []byte(body),
		Headers: []*v1.HttpHeader{{Name: "cache-control", Value: "no-store, private"}},
	}
}

// fails is a status with details, as the authority sends it.
func fails(code codes.Code, reason Reason, details ...proto.Message) error {
	said := status.New(code, "as the script says")
	if reason != "" {
		info := &errdetails.ErrorInfo{Domain: "gatelodge", Reason: string(reason), Metadata: map[string]string{"request_id": "req-9"}}
		details = append(details, info)
	}
	for _, detail := range details {
		said, _ = said.WithDetails(protoadapt.MessageV1Of(detail))
	}
	return said.Err()
}

func retryAfter(wait time.Duration) proto.Message {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}
}

func send(handler http.Handler, request *http.Request) *httptest.ResponseRecorder {
	got := httptest.NewRecorder()
	handler.ServeHTTP(got, request)
	return got
}

func get(handler http.Handler, target string) *httptest.ResponseRecorder {
	return send(handler, httptest.NewRequest("GET", target, nil))
}

func assertCouldNotSay(t *testing.T, got *httptest.ResponseRecorder) {
	t.Helper()
	if got.Code != 503 || got.Header().Get("Retry-After") == "" || got.Header().Get("Set-Cookie") != "" {
		t.Errorf("not \"could not say\": %d %v", got.Code, got.Header())
	}
}
