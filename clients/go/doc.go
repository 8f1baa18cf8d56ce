// Package gatelodge is the way from a Go program to a Gatelodge authority: a typed client, an edge that logs people in
// and out, and sessions for an application's own routes. It is net/http all through, so it fits every router that takes
// an [http.Handler], and it has interceptors for gRPC servers.
//
//	client, err := gatelodge.NewClient(gatelodge.FromEnv())
//	edge, err := gatelodge.NewEdge(client)
//	mux.Handle("/auth/", edge)                                // login, callback, me, logout
//	mux.Handle("/", edge.Gate().Sessions(home))               // SessionFrom(r.Context())
//	mux.Handle("/admin", edge.Gate().Require(gatelodge.Scopes("admin"))(admin))
//	mux.Handle("/api/", client.RequireToken(gatelodge.Scopes("read"))(api)) // TokenFrom(r.Context())
//
// Nothing here decides. What becomes HTTP comes finished from the authority, and whatever is not a definite answer is
// 503, with the browser's cookies left alone: an error never means "logged out".
//
// The parts, in reading order: [Client] and [Error] (the calls), [Verdict] and [Session] (what an answer means), [Gate]
// (the client with an edge's settings kept fresh; middleware), [Edge] (the routes). The messages are in package
// gatelodgev1; package gatelodgetest has an authority for your own tests, which needs no network.
package gatelodge
