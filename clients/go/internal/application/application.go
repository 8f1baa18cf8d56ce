// Package application is the small application that every language's edge is tested in: tests/edges says which routes it
// has.
package application

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
)

// New returns the application with the edge's routes. The prefix is the edge's.
func New(edge *gatelodge.Edge, prefix string) http.Handler {
	gate := edge.Gate()
	private := gate.Require()(http.HandlerFunc(whoever))
	scoped := gate.Require(gatelodge.Scopes("admin"))(http.HandlerFunc(whoever))
	mux := http.NewServeMux()
	mux.Handle(prefix+"/auth/", edge)
	mux.HandleFunc("GET /open", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "open") })
	mux.Handle("GET /optional", gate.Sessions(http.HandlerFunc(whoever)))
	mux.Handle("GET /private", private)
	mux.Handle("POST /private", private)
	mux.Handle("/any", private)
	mux.Handle("GET /scoped", scoped)
	mux.Handle("/both", gate.Require()(gate.Client().RequireToken()(http.HandlerFunc(whoever))))
	mux.Handle("/twice", gate.Require()(scoped))
	mux.Handle("/api", gate.Client().RequireToken()(http.HandlerFunc(whose)))
	mux.Handle("GET /api/scoped", gate.Client().RequireToken(gatelodge.Scopes("admin"))(http.HandlerFunc(whose)))
	mux.Handle("GET /fresh", gate.Require(gatelodge.MaxLoginAge(time.Second))(http.HandlerFunc(whoever)))
	return mux
}

// whoever answers with the id of whoever is logged in, or null.
func whoever(w http.ResponseWriter, r *http.Request) {
	if session, ok := gatelodge.SessionFrom(r.Context()); ok {
		answer(w, &session.UserID)
	} else {
		answer(w, nil)
	}
}

// whose answers with the id of whose token it is, or null for a program's.
func whose(w http.ResponseWriter, r *http.Request) {
	if token, ok := gatelodge.TokenFrom(r.Context()); ok && token.UserID != "" {
		answer(w, &token.UserID)
	} else {
		answer(w, nil)
	}
}

func answer(w http.ResponseWriter, userID *string) {
	who := struct {
		UserID *string `json:"user_id"`
	}{userID}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(who)
}
