package gatelodge_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"google.golang.org/grpc"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
)

// A whole application: the edge's routes, one route that knows who is there, and one that wants a scope and a login of
// the last five minutes.
func Example() {
	client, err := gatelodge.NewClient(gatelodge.FromEnv())
	if err != nil {
		log.Print(err) // without the variables: it names the one that is missing
		return
	}
	defer func() { _ = client.Close() }()
	edge, err := gatelodge.NewEdge(client)
	if err != nil {
		log.Fatal(err)
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if session, ok := gatelodge.SessionFrom(r.Context()); ok {
			_, _ = fmt.Fprintln(w, "Hello,", session.Name)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/auth/", edge)
	mux.Handle("/", edge.Gate().Sessions(hello))
	mux.Handle("/admin", edge.Gate().Require(gatelodge.Scopes("admin"), gatelodge.MaxLoginAge(5*time.Minute))(hello))
	log.Fatal(http.ListenAndServe("127.0.0.1:8000", mux))
}

// One's own tests need no authority and no network.
func ExampleGate_Require() {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	gate := gatelodge.NewGate(authority.Client())
	_ = gate.Ready(context.Background())

	admin := gate.Require(gatelodge.Scopes("admin"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := gatelodge.SessionFrom(r.Context())
		_, _ = fmt.Fprint(w, "Hello, ", session.UserID)
	}))
	ask := func(who gatelodgetest.Session) {
		request, got := httptest.NewRequest("GET", "/admin", nil), httptest.NewRecorder()
		authority.SignIn(who).Sign(request)
		admin.ServeHTTP(got, request)
		fmt.Println(got.Code)
	}
	ask(gatelodgetest.Session{UserID: "google_1", Scopes: []string{"admin"}})
	ask(gatelodgetest.Session{UserID: "google_2"})
	// Output:
	// 200
	// 403
}

// An error says why there was no answer. It never means "logged out".
func ExampleError() {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	client := authority.Client()

	_, err := client.Admin().GetSession(context.Background(), &v1.GetSessionRequest{SessionId: "sid_unknown"})
	fmt.Println(errors.Is(err, gatelodge.ErrSessionNotFound))

	authority.Away()
	_, err = client.Admin().ListSessions(context.Background(), &v1.ListSessionsRequest{})
	if failure, ok := errors.AsType[*gatelodge.Error](err); ok {
		fmt.Println(failure.Code, failure.Retryable())
	}
	// Output:
	// true
	// Unavailable true
}

// A gRPC server that knows who is behind its calls.
func ExampleGate_UnarySessions() {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	gate := gatelodge.NewGate(authority.Client())

	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(gate.UnarySessions),
		grpc.ChainStreamInterceptor(gate.StreamRequire(gatelodge.Scopes("events"))),
	)
	defer server.Stop()
	fmt.Println(len(server.GetServiceInfo()), "services so far")
	// Output: 0 services so far
}

// A handler alone can be tested with a session and nothing else.
func ExampleContextWithSession() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		session, _ := gatelodge.SessionFrom(r.Context())
		fmt.Println(session.UserID)
	}
	ctx := gatelodge.ContextWithSession(context.Background(), &gatelodge.Session{UserID: "google_1"})
	handler(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	// Output: google_1
}
