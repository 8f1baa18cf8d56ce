// Package quickstart runs the README's quick start as a newcomer would: in an empty project, with the module as it is
// published, against `gatelodge dev`.
package quickstart

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
	"github.com/gatelodge/gatelodge/clients/go/internal/dev"
	"github.com/gatelodge/gatelodge/clients/go/internal/served"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
)

const (
	module = "github.com/gatelodge/gatelodge/clients/go"
	root   = "../.."
)

func TestTheQuickStartRunsInAnEmptyProject(t *testing.T) {
	dev := dev.Start(t)
	source := strings.ReplaceAll(program(t, 0), "127.0.0.1:8000", dev.Listen)
	if !strings.Contains(source, dev.Listen) {
		t.Fatal("the quick start listens somewhere else than the test expects")
	}
	built := build(t, source)
	start(t, built, dev.Listen, "GATELODGE_ADDRESS="+dev.Address, "GATELODGE_API_KEY="+dev.Keys["edge"])
	var got *http.Response
	wait.Until(t, func() bool { // until the settings have come
		var err error
		if got, err = http.Get("http://" + dev.Listen + "/"); err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		return got.StatusCode != http.StatusServiceUnavailable
	})
	if got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a visitor: %s", got.Status)
	}
	got, err := (&http.Transport{}).RoundTrip(request(t, "http://"+dev.Listen+"/auth/web/login?provider=dev"))
	if err != nil || got.StatusCode != http.StatusFound || !strings.HasPrefix(got.Header.Get("Location"), dev.Provider) {
		t.Fatal(got, err)
	}
	_ = got.Body.Close()

	// A setting that is missing is named, at once.
	broken := exec.Command(built)
	broken.Env = []string{"GATELODGE_ADDRESS=" + dev.Address}
	if said, err := broken.CombinedOutput(); err == nil || !strings.Contains(string(said), "GATELODGE_API_KEY is not set") {
		t.Errorf("%s", said)
	}
}

func request(t *testing.T, url string) *http.Request {
	t.Helper()
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	return request
}

// A router of the README's, in an empty project, with the version that the examples have, before a fake authority.
func TestTheRouterOfTheReadmeServesInAnEmptyProject(t *testing.T) {
	examples, err := os.ReadFile(filepath.Join(root, "examples/go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	chi := regexp.MustCompile(`github.com/go-chi/chi/v5 (v\S+)`).FindSubmatch(examples)
	if chi == nil {
		t.Fatal("the examples have no chi")
	}
	address := "127.0.0.1:" + dev.FreePort(t)
	built := build(t, strings.ReplaceAll(program(t, 1), "127.0.0.1:8000", address), "github.com/go-chi/chi/v5@"+string(chi[1]))
	broken := exec.Command(built)
	broken.Env = []string{"GATELODGE_API_KEY=k"}
	if said, err := broken.CombinedOutput(); err == nil || !strings.Contains(string(said), "GATELODGE_ADDRESS is not set") {
		t.Errorf("%s", said)
	}
	serveBeforeAFake(t, built, address)
	for _, row := range []struct {
		path, cookie string
		status       int
		body         string
	}{
		{"/", "ada", 200, "Hello, fake_ada"}, {"/", "", 200, ""}, {"/admin", "ada", 200, "Hello, fake_ada"},
		{"/admin", "bob", 403, "scope_missing"}, {"/admin", "", 401, "not_signed_in"}, {"/auth/me", "bob", 200, "fake_bob"},
		{"/api/orders", "ada", 401, "not_signed_in"},
	} {
		request := request(t, "http://"+address+row.path)
		request.Header.Set("Accept", "application/json")
		request.AddCookie(&http.Cookie{Name: "session", Value: row.cookie})
		var got *http.Response
		wait.Until(t, func() bool { // until the settings have come
			var err error
			if got, err = http.DefaultClient.Do(request); err != nil {
				t.Fatal(err)
			}
			return got.StatusCode != http.StatusServiceUnavailable || got.Body.Close() != nil
		})
		body, err := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if err != nil || got.StatusCode != row.status || !strings.Contains(string(body), row.body) {
			t.Errorf("%s of %q: %s %s %v", row.path, row.cookie, got.Status, body, err)
		}
	}
}

func TestTheGRPCServerOfTheReadmeServesInAnEmptyProject(t *testing.T) {
	address := "127.0.0.1:" + dev.FreePort(t)
	built := build(t, strings.ReplaceAll(program(t, 2), "127.0.0.1:9000", address))
	serveBeforeAFake(t, built, address)
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	listServices := func(cookie string) error {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "cookie", cookie)
		stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
		if err != nil {
			return err
		}
		all := &reflectionv1.ServerReflectionRequest_ListServices{}
		_ = stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: all}) // Recv says what went wrong
		_, err = stream.Recv()
		return err
	}
	wait.Until(t, func() bool { return status.Code(listServices("")) != codes.Unavailable }) // until the settings have come
	if err := listServices(""); status.Code(err) != codes.Unauthenticated {
		t.Error(err)
	}
	if err := listServices("session=ada"); err != nil {
		t.Error(err)
	}
}

// What the README says of tests, run as a test of a project's own.
func TestTheTestOfTheReadmePasses(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, found := strings.Cut(string(text), "```go\nauthority := ")
	if !found {
		t.Fatal("the README says nothing of tests")
	}
	lines, _, _ = strings.Cut(lines, "```\n")
	source := `package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
)

func main() {
	request := httptest.NewRequest(http.MethodPost, "/admin", nil)
	authority := ` + lines + `
	_ = edge.Gate().Ready(request.Context())
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := gatelodge.SessionFrom(r.Context())
		fmt.Print("Hello, ", session.UserID)
	})
	edge.Gate().Require(gatelodge.Scopes("admin"))(hello).ServeHTTP(httptest.NewRecorder(), request)
}
`
	if said, err := exec.Command(build(t, source)).Output(); err != nil || string(said) != "Hello, google_1" {
		t.Errorf("%s %v", said, err)
	}
}

// serveBeforeAFake starts a program that serves on an address, before a fake authority where ada and bob are signed in.
func serveBeforeAFake(t *testing.T, program, address string) {
	t.Helper()
	authority := gatelodgetest.NewAuthority()
	t.Cleanup(authority.Close)
	authority.SignIn(gatelodgetest.Session{UserID: "fake_ada", Cookie: "ada", Scopes: []string{"admin"}})
	authority.SignIn(gatelodgetest.Session{UserID: "fake_bob", Cookie: "bob"})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := served.Fake(func() grpc.ClientConnInterface { return authority.Conn() })
	go func() { _ = served.Serve(listener) }() // until it is stopped
	t.Cleanup(served.Stop)
	start(t, program, address, "GATELODGE_ADDRESS=http://"+listener.Addr().String(), "GATELODGE_API_KEY="+gatelodgetest.APIKey)
}

// start starts a program, and waits until it serves on an address.
func start(t *testing.T, program, address string, variables ...string) {
	t.Helper()
	command := exec.Command(program)
	command.Env = append(os.Environ(), variables...)
	var log bytes.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	wait.Until(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// program is one of the README's, counted from 0.
func program(t *testing.T, number int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "```go\npackage main\n")
	if len(parts) < number+2 {
		t.Fatalf("the README has %d programs", len(parts)-1)
	}
	source, _, _ := strings.Cut(parts[number+1], "```\n")
	return "package main\n" + source
}
