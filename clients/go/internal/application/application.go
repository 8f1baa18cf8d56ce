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
	for path, need := range map[string]gatelodge.Requirement{
		"/fresh": gatelodge.MaxLoginAge(time.Second), "/role": gatelodge.Roles("clerk"),
		"/permitted": gatelodge.Permissions("orders.pay"), "/verified": gatelodge.EmailVerified(),
		"/strong": gatelodge.ACRValues("2"), "/two-factor": gatelodge.AMRValues("otp"),
	} {
		mux.Handle("GET "+path, gate.Require(need)(http.HandlerFunc(whoever)))
	}
	for path, need := range map[string]gatelodge.TokenRequirement{
		"/api/scoped": gatelodge.Scopes("admin"), "/api/orders": gatelodge.Audience("orders"),
		"/api/strong": gatelodge.ACRValues("2"),
	} {
		mux.Handle("GET "+path, gate.Client().RequireToken(need)(http.HandlerFunc(whose)))
	}
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
