package gatelodge_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
)

func whoseToken(w http.ResponseWriter, r *http.Request) {
	token, _ := gatelodge.TokenFrom(r.Context())
	_, _ = io.WriteString(w, token.UserID)
}

func TestAnAPILetsInWhoHasATokenThatDoes(t *testing.T) {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	good := authority.IssueToken(gatelodgetest.Token{
		UserID: "google_1", Scopes: []string{"read"}, Permissions: []string{"orders:write"}, Audiences: []string{"api"},
		LoginTime: time.Now().Add(-time.Hour),
	})
	expired := authority.IssueToken(gatelodgetest.Token{Inactive: v1.TokenInactiveReason_TOKEN_INACTIVE_REASON_EXPIRED})
	client := authority.Client()
	for name, row := range map[string]struct {
		lines     []string
		needs     []gatelodge.TokenRequirement
		status    int
		challenge string
	}{
		"a good one":      {[]string{"Bearer " + good}, nil, 200, ""},
		"in other case":   {[]string{"bEARER " + good}, nil, 200, ""},
		"none":            {nil, nil, 401, "Bearer"},
		"another scheme":  {[]string{"Basic " + good}, nil, 401, "Bearer"},
		"no scheme":       {[]string{good}, nil, 401, "Bearer"},
		"two headers":     {[]string{"Bearer " + good, "Bearer " + good}, nil, 401, "Bearer"},
		"more spaces":     {[]string{"Bearer  \t" + good + " \t"}, nil, 200, ""},
		"a tab alone":     {[]string{"Bearer\t" + good}, nil, 401, "Bearer"},
		"garbage":         {[]string{"Bearer x\xff"}, nil, 401, `Bearer error="invalid_token"`},
		"an expired one":  {[]string{"Bearer " + expired}, nil, 401, `Bearer error="invalid_token"`},
		"its scope":       {[]string{"Bearer " + good}, []gatelodge.TokenRequirement{gatelodge.Scopes("read")}, 200, ""},
		"another scope":   {[]string{"Bearer " + good}, []gatelodge.TokenRequirement{gatelodge.Scopes("read", "admin")}, 403, `Bearer error="insufficient_scope", scope="admin"`},
		"its permission":  {[]string{"Bearer " + good}, []gatelodge.TokenRequirement{gatelodge.Permissions("orders:write")}, 200, ""},
		"no permission":   {[]string{"Bearer " + good}, []gatelodge.TokenRequirement{gatelodge.Permissions("users:write")}, 403, `Bearer error="insufficient_scope"`},
		"its audience":    {[]string{"Bearer " + good}, []gatelodge.TokenRequirement{gatelodge.Audience("api")}, 200, ""},
		"other audiences": {[]string{"Bearer " + good}, []gatelodge.TokenRequirement{gatelodge.Audience("web")}, 401, `Bearer error="invalid_token"`},
		"an old login": {
			[]string{"Bearer " + good}, []gatelodge.TokenRequirement{gatelodge.MaxLoginAge(time.Minute)}, 401,
			`Bearer error="insufficient_user_authentication", max_age="60"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest("GET", "/", nil)
			request.Header["Authorization"] = row.lines
			got := httptest.NewRecorder()
			client.RequireToken(row.needs...)(http.HandlerFunc(whoseToken)).ServeHTTP(got, request)
			if got.Code != row.status || got.Header().Get("Www-Authenticate") != row.challenge {
				t.Errorf("%d %q %s", got.Code, got.Header().Get("Www-Authenticate"), got.Body)
			}
			if got.Code != 200 && !slices.Equal(got.Header()["Vary"], []string{"Cookie"}) {
				t.Errorf("%q", got.Header())
			}
			if (got.Code == 200) != (got.Body.String() == "google_1") {
				t.Errorf("%s", got.Body)
			}
		})
	}
	authority.Away()
	request, got := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	request.Header.Set("Authorization", "Bearer "+good)
	client.RequireToken()(http.HandlerFunc(whoseToken)).ServeHTTP(got, request)
	if got.Code != 503 || got.Header().Get("Retry-After") == "" {
		t.Errorf("an authority that is away: %d", got.Code)
	}
	preflight, got := httptest.NewRequest("OPTIONS", "/", nil), httptest.NewRecorder()
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	client.RequireToken()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a preflight has no token") })).
		ServeHTTP(got, preflight)
	if got.Code < 400 {
		t.Errorf("a preflight: %d", got.Code)
	}
}

// saying answers every check of a token with the same.
type saying struct {
	grpc.ClientConnInterface
	answer *v1.ValidateTokenResponse
}

func (s saying) Invoke(_ context.Context, _ string, _, answer any, _ ...grpc.CallOption) error {
	proto.Merge(answer.(proto.Message), s.answer)
	return nil
}

func TestWithoutAnAnswerOrAnIdentityNobodyCanSay(t *testing.T) {
	for name, answer := range map[string]*v1.ValidateTokenResponse{
		"inactive": {Outcome: &v1.ValidateTokenResponse_Inactive{Inactive: &v1.InactiveToken{}}},
		"denied":   {Outcome: &v1.ValidateTokenResponse_Denied{Denied: &v1.DeniedToken{}}},
		"active":   {Outcome: &v1.ValidateTokenResponse_Active{Active: &v1.ActiveToken{ClientId: "program"}}},
		"neither":  {},
	} {
		client, err := gatelodge.NewClient(gatelodge.WithConn(saying{answer: answer}), gatelodge.WithAPIKey("k"))
		if err != nil {
			t.Fatal(err)
		}
		got := httptest.NewRecorder()
		client.RequireToken()(http.HandlerFunc(whoseToken)).ServeHTTP(got, httptest.NewRequest("GET", "/", nil))
		if got.Code != 503 || got.Header().Get("Retry-After") == "" || got.Header().Get("Www-Authenticate") != "" {
			t.Errorf("%s: %d %v", name, got.Code, got.Header())
		}
		_ = client.Close()
	}
}

// counting counts the calls of a client.
type counting struct {
	grpc.ClientConnInterface
	calls int
}

func (c *counting) Invoke(ctx context.Context, method string, question, answer any, opts ...grpc.CallOption) error {
	c.calls++
	said := answer.(*v1.ValidateTokenResponse)
	active := &v1.ActiveToken{Identity: &v1.Identity{UserId: "google_1"}, Judged: question.(*v1.ValidateTokenRequest).Requirements}
	said.Outcome = &v1.ValidateTokenResponse_Active{Active: active}
	return nil
}

func TestGuardsOfTokensMayBeNested(t *testing.T) {
	conn := &counting{}
	client, err := gatelodge.NewClient(gatelodge.WithConn(conn), gatelodge.WithAPIKey("k"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	inner := client.RequireToken(gatelodge.Scopes("read"))(http.HandlerFunc(whoseToken))
	for i, row := range []struct {
		app   http.Handler
		calls int
	}{
		{inner, 1},
		{client.RequireToken(gatelodge.Scopes("read", "write"))(inner), 1},
		{client.RequireToken()(inner), 2},
		{client.RequireToken(gatelodge.Scopes("read"), gatelodge.TokensOf("other"))(inner), 2},
	} {
		conn.calls = 0
		request, got := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		request.Header.Set("Authorization", "Bearer t")
		if row.app.ServeHTTP(got, request); got.Body.String() != "google_1" || conn.calls != row.calls {
			t.Errorf("row %d: %d calls, %s", i, conn.calls, got.Body)
		}
	}
}

func TestAGRPCServerLetsInWhoHasATokenThatDoes(t *testing.T) {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	client := authority.Client()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(
		grpc.UnaryInterceptor(client.UnaryRequireToken(gatelodge.Scopes("read"))),
		grpc.StreamInterceptor(client.StreamRequireToken(gatelodge.Scopes("read"))),
	)
	v1.RegisterSessionServiceServer(server, api{})
	healthv1.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	conn, err := grpc.NewClient("passthrough:///api", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	calls := v1.NewSessionServiceClient(conn)
	ask := map[string]func(ctx context.Context) (string, error){
		"unary": func(ctx context.Context) (string, error) {
			said, err := calls.ValidateSession(ctx, &v1.ValidateSessionRequest{})
			return said.GetSettingsVersion(), err
		},
		"stream": func(ctx context.Context) (string, error) {
			stream, err := calls.WatchSessions(ctx, &v1.WatchSessionsRequest{})
			if err != nil {
				return "", err
			}
			said, err := stream.Recv()
			return string(said.GetPosition()), err
		},
	}
	good := "Bearer " + authority.IssueToken(gatelodgetest.Token{UserID: "google_1", Scopes: []string{"read"}})
	poor := "Bearer " + authority.IssueToken(gatelodgetest.Token{})
	for kind, ask := range ask {
		for line, code := range map[string]codes.Code{good: codes.OK, poor: codes.PermissionDenied, "Bearer x": codes.Unauthenticated, "": codes.Unauthenticated} {
			who, err := ask(metadata.AppendToOutgoingContext(t.Context(), "authorization", line))
			if status.Code(err) != code || code == codes.OK && who != "google_1" {
				t.Errorf("%s: %q, %v, not %v", kind, who, err, code)
			}
		}
	}
	authority.Away()
	for kind, ask := range ask {
		if _, err := ask(metadata.AppendToOutgoingContext(t.Context(), "authorization", good)); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: an authority that is away: %v", kind, err)
		}
	}
	if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Error("health needs no token", err)
	}
}

// api is a gRPC service of an application's own: it says whose token came.
type api struct {
	v1.UnimplementedSessionServiceServer
}

func (api) ValidateSession(ctx context.Context, _ *v1.ValidateSessionRequest) (*v1.ValidateSessionResponse, error) {
	token, _ := gatelodge.TokenFrom(ctx)
	return &v1.ValidateSessionResponse{SettingsVersion: token.UserID}, nil
}

func (api) WatchSessions(_ *v1.WatchSessionsRequest, stream grpc.ServerStreamingServer[v1.WatchSessionsResponse]) error {
	token, _ := gatelodge.TokenFrom(stream.Context())
	return stream.Send(&v1.WatchSessionsResponse{Position: []byte(token.UserID)})
}
