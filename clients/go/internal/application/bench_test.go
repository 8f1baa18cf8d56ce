package application_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
)

// What a session check adds to a request: the same route without one, with one behind a guard, and /auth/me. The authority
// is in memory, but every call goes through gRPC, so the difference is all that this module and gRPC cost, both ends.
func BenchmarkRequest(b *testing.B) {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	edge, err := gatelodge.NewEdge(authority.Client(gatelodge.WithDeadline(10 * time.Second)))
	if err != nil {
		b.Fatal(err)
	}
	if err := edge.Gate().Ready(context.Background()); err != nil {
		b.Fatal(err)
	}
	ada := authority.SignIn(gatelodgetest.Session{UserID: "google_1"})
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	for _, row := range []struct {
		name, path string
		handler    http.Handler
	}{
		{"plain", "/", hello},
		{"checked", "/", edge.Gate().Require()(hello)},
		{"me", "/auth/me", edge},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			server := httptest.NewServer(row.handler)
			defer server.Close()
			request, err := http.NewRequest("GET", server.URL+row.path, nil)
			if err != nil {
				b.Fatal(err)
			}
			ada.Sign(request)
			for b.Loop() {
				got, err := http.DefaultClient.Do(request)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, got.Body)
				_ = got.Body.Close()
				if got.StatusCode != http.StatusOK {
					b.Fatal(got.Status)
				}
			}
		})
	}
}
