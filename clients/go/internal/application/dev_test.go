package application_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
	"github.com/gatelodge/gatelodge/clients/go/internal/application"
	"github.com/gatelodge/gatelodge/clients/go/internal/dev"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
)

func clientOf(t *testing.T, dev *dev.Dev, role string, opts ...gatelodge.Option) *gatelodge.Client {
	t.Helper()
	opts = append(opts, gatelodge.WithAddress(dev.Address), gatelodge.WithAPIKey(dev.Keys[role]))
	client, err := gatelodge.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// browser keeps cookies and follows redirects.
type browser struct {
	t      *testing.T
	base   string
	client http.Client
}

func (b *browser) send(method, target string, header http.Header, body io.Reader) (int, string, *http.Response) {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.base + target
	}
	request, err := http.NewRequest(method, target, body)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header = header
	got, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return got.StatusCode, string(text), got
}

func (b *browser) fetch(method, target string, header http.Header) (int, map[string]any) {
	b.t.Helper()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Accept", "application/json")
	status, text, _ := b.send(method, target, header, nil)
	body := map[string]any{}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		b.t.Fatalf("%s %s: %d %q", method, target, status, text)
	}
	return status, body
}

func TestAPersonLogsInAndOutAtARealAuthority(t *testing.T) {
	dev := dev.Start(t)
	var asked atomic.Int64
	count := func(
		ctx context.Context, method string, question, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker,
		opts ...grpc.CallOption,
	) error {
		asked.Add(1)
		return invoke(ctx, method, question, answer, conn, opts...)
	}
	edge, err := gatelodge.NewEdge(clientOf(t, dev, "edge", gatelodge.WithDialOptions(grpc.WithUnaryInterceptor(count))))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	wait.ForSettings(t, edge.Gate())
	listener, err := net.Listen("tcp", dev.Listen)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: application.New(edge, "")}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	jar, _ := cookiejar.New(nil)
	b := &browser{t: t, base: dev.BaseURL, client: http.Client{Jar: jar}}
	if status, body := b.fetch("GET", "/private", nil); status != 401 || body["reason"] != "not_signed_in" {
		t.Fatal(status, body)
	}

	logIn := func() {
		// The page that needs a session leads to the provider's login page, and after the login back to itself.
		_, page, _ := b.send("GET", "/private?a=b", http.Header{"Accept": {"text/html"}}, nil)
		if strings.Contains(page, "dev_testuser1") {
			return // the provider still knows this browser
		}
		form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page)
		if form == nil {
			t.Fatalf("no login page: %s", page)
		}
		typed := url.Values{"form": {form[1]}, "username": {"testuser1@example.com"}, "password": {"password123"}}
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"}}
		status, text, got := b.send("POST", dev.Provider+"/login", header, strings.NewReader(typed.Encode()))
		if status != 200 || got.Request.URL.RequestURI() != "/private?a=b" || !strings.Contains(text, "dev_testuser1") {
			t.Fatal(status, text, got.Request.URL)
		}
	}
	logIn()
	status, me := b.fetch("GET", "/auth/me", nil)
	if status != 200 || me["email"] != "testuser1@example.com" {
		t.Fatal(status, me)
	}
	if status, body := b.fetch("POST", "/private", nil); status != 403 || body["reason"] != "csrf_mismatch" {
		t.Error(status, body)
	}
	token := http.Header{"X-Csrf-Token": {fmt.Sprint(me["csrf_token"])}}
	if status, body := b.fetch("POST", "/private", token); status != 200 || body["user_id"] != "dev_testuser1" {
		t.Error(status, body)
	}
	if status, body := b.fetch("GET", "/scoped", nil); status != 403 || body["reason"] != "scope_missing" {
		t.Error(status, body)
	}

	// It is not asked about again while nothing happens to it.
	wait.Until(t, func() bool {
		before := asked.Load()
		status, _ := b.fetch("GET", "/private", nil)
		return status == 200 && asked.Load() == before
	})

	// An admin ends the session: it is dead as soon as the edge has heard of it.
	admin := clientOf(t, dev, "admin")
	listed, err := admin.Admin().ListSessions(ctx, &v1.ListSessionsRequest{UserId: "dev_testuser1"})
	if err != nil || len(listed.Sessions) != 1 {
		t.Fatal(listed, err)
	}
	one := &v1.AdminServiceRevokeRequest_SessionId{SessionId: listed.Sessions[0].Info.SessionId}
	if ended, err := admin.Admin().Revoke(ctx, &v1.AdminServiceRevokeRequest{Target: one}); err != nil || ended.RevokedCount != 1 {
		t.Fatal(ended, err)
	}
	revoked := time.Now()
	wait.Until(t, func() bool {
		status, body := b.fetch("GET", "/private", nil)
		return status == 401 && body["reason"] == "session_ended"
	})
	if took := time.Since(revoked); took > 2*time.Second {
		t.Errorf("heard of it after %v", took)
	}

	// A logout: the cookie is gone.
	logIn()
	_, me = b.fetch("GET", "/auth/me", nil)
	token = http.Header{"X-Csrf-Token": {fmt.Sprint(me["csrf_token"])}}
	if status, body := b.fetch("POST", "/auth/web/logout", token); status != 200 || body["message"] == "" {
		t.Error(status, body)
	}
	if at, _ := url.Parse(dev.BaseURL); len(jar.Cookies(at)) != 1 { // what binds logins to this browser
		t.Error(jar.Cookies(at))
	}

	// Other roles, other calls.
	backend := clientOf(t, dev, "backend")
	if _, err := backend.Admin().ListSessions(ctx, &v1.ListSessionsRequest{}); !errors.Is(err, gatelodge.ErrCallerNotAllowed) {
		t.Error(err)
	}
	if _, err := admin.Admin().GetSession(ctx, &v1.GetSessionRequest{SessionId: one.SessionId}); !errors.Is(err, gatelodge.ErrSessionNotFound) {
		t.Error(err)
	}
	if serving, err := backend.IsServing(ctx, ""); !serving {
		t.Error(err)
	}

	// The authority goes away: nobody is logged out because of it.
	logIn()
	dev.Stop()
	wait.Until(t, func() bool {
		status, body := b.fetch("GET", "/private", nil)
		return status == 503 && body["reason"] == "AUTHORITY_UNAVAILABLE"
	})
	if at, _ := url.Parse(dev.BaseURL); len(jar.Cookies(at)) != 2 {
		t.Error(jar.Cookies(at))
	}
}
