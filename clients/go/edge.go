package gatelodge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// An Edge has the routes that log people in and out. It is an [http.Handler] for
//
//	GET  /auth/web/login       GET /auth/web/callback
//	GET  /auth/me              POST /auth/web/logout      GET /auth/web/logged-out
//	POST /auth/web/backchannel-logout                     GET /auth/web/frontchannel-logout
//	POST /auth/web/refresh     GET or POST /auth/web/userinfo
//	GET  /auth/web/sessions    POST /auth/web/sessions/revoke
//
// under its mount prefix, and answers 404 to everything else. Mount it under the very path that browsers see:
//
//	mux.Handle("/auth/", edge)
//
// It lives until its client is closed.
type Edge struct {
	gate   *Gate
	prefix string
	routes map[string]*route
}

// An EdgeOption says where an edge's routes are and which, for [NewEdge].
type EdgeOption func(*edgeOptions)

type edgeOptions struct {
	prefix string
	sets   []v1.RouteSet
}

// WithMountPrefix sets what stands before the paths of the contract: empty, or a path such as /app. It has to be the
// authority's, and has to be still there when the edge sees the request: not stripped by http.StripPrefix or its like.
func WithMountPrefix(prefix string) EdgeOption { return func(o *edgeOptions) { o.prefix = prefix } }

// WithRouteSets sets which routes to mount, instead of the set "web". A mounted set answers once the authority says that
// it is on.
func WithRouteSets(sets ...v1.RouteSet) EdgeOption { return func(o *edgeOptions) { o.sets = sets } }

// NewEdge begins to ask the authority for the settings. Until they have come the routes answer 503.
func NewEdge(client *Client, opts ...EdgeOption) (*Edge, error) {
	o := edgeOptions{sets: []v1.RouteSet{v1.RouteSet_ROUTE_SET_WEB}}
	for _, option := range opts {
		option(&o)
	}
	if !isMountPrefix(o.prefix) {
		problem := fmt.Sprintf("is %q: expected nothing, or a path like /app without a slash at its end", o.prefix)
		return nil, &OptionError{Setting: "the mount prefix", Problem: problem}
	}
	edge := &Edge{prefix: o.prefix, routes: map[string]*route{}}
	for _, route := range routes {
		isIn := func(set v1.RouteSet) bool { return max(set, v1.RouteSet_ROUTE_SET_WEB) == route.set }
		if slices.ContainsFunc(o.sets, isIn) {
			edge.routes[o.prefix+route.path] = route
		}
	}
	edge.gate = newGate(client, func(s *settings) { checkCallbacks(client.logger, edge.prefix, s) })
	return edge, nil
}

// Gate returns the edge's client and settings, for sessions on the application's own routes.
func (e *Edge) Gate() *Gate { return e.gate }

// ServeHTTP answers one request of a route.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route := e.routes[r.URL.EscapedPath()]
	if route == nil {
		http.NotFound(w, r)
		return
	}
	settings := e.gate.settings(r.Host)
	asker := asker{requestID: requestID(r.Header["X-Request-Id"]), logger: e.gate.client.logger}
	var answer *response
	switch {
	case settings == nil:
		asker.failed(noSettings()).write(w, r)
		return
	case !settings.isOn(route.set):
		http.NotFound(w, r)
		return
	case r.Method == http.MethodOptions:
		answer = settings.cors.preflight(r.Header)
		answer.header.Set("Allow", route.allow())
	case !slices.Contains(route.methods, r.Method):
		detail := "This address does not take this method."
		answer = asker.problem(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", detail)
		answer.header.Set("Allow", route.allow())
	default:
		request := &request{gate: e.gate, settings: settings, asker: asker, set: route.set, Request: r, writer: w}
		ctx := r.Context()
		if route.changes(r.Method) {
			ctx = context.WithoutCancel(ctx) // it runs to its end, whether or not the browser is still there
		}
		var err error
		answer, err = route.pass(WithRequestID(ctx, asker.requestID), request)
		if err != nil {
			answer = asker.failed(err)
		}
	}
	settings.share(r.Header, answer).write(w, r)
}

func isMountPrefix(prefix string) bool {
	if prefix == "" {
		return true
	}
	path, ok := strings.CutPrefix(prefix, "/")
	other := func(c rune) bool { return !isAlphanumeric(c) && !strings.ContainsRune("-._~", c) }
	return ok && !slices.ContainsFunc(strings.Split(path, "/"), func(segment string) bool {
		return segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, other)
	})
}

// A browser that comes back from a provider to a path that is not ours ends in an unknown page: say so at start.
func checkCallbacks(logger *slog.Logger, prefix string, s *settings) {
	if configured, ok := otherCallback(prefix+callbackPath, s.callbacks); ok {
		logger.Error("gatelodge: providers send browsers back to another path than this edge's callback: logins will fail. "+
			"Give this edge and the authority the same mount prefix", "ours", prefix+callbackPath, "configured", configured)
	}
}

// otherCallback returns a callback address of our route set, when there are some and none has our path.
func otherCallback(ours string, addresses []*v1.CallbackAddress) (string, bool) {
	var other string
	for _, address := range addresses {
		if address.GetRouteSet() != v1.RouteSet_ROUTE_SET_WEB {
			continue
		}
		if at, err := url.Parse(address.GetUrl()); err == nil && at.EscapedPath() == ours {
			return "", false
		}
		if other == "" {
			other = address.GetUrl()
		}
	}
	return other, other != ""
}

// A request is what a browser asked, ready to be passed on.
type request struct {
	*http.Request
	writer   http.ResponseWriter
	gate     *Gate
	settings *settings
	asker    asker
	set      v1.RouteSet
}

// A pass asks the authority about a request, and makes an answer of what it says.
type pass func(ctx context.Context, r *request) (*response, error)
