package gatelodge

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"slices"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// Sessions looks for the session behind every request before the application sees it:
//
//   - A living session is in the request's context, see [SessionFrom]. Its cookies go out with the response, and so does
//     its new CSRF token where the credential was rotated.
//   - Without a session the application goes ahead.
//   - A request that the session may not make (CSRF, origin) gets the authority's answer; the application never sees it.
//   - When the authority can't say, the browser gets 503 and keeps its cookies.
//
// Leave routes that need no session (assets, health) outside. Preflights pass through unasked: no cookies come with
// them. Put it outside of middleware that changes the request's method or RemoteAddr.
func (g *Gate) Sessions(next http.Handler) http.Handler { return g.guard(next, false, nil) }

// SessionsWith is [Gate.Sessions] with requirements, for those who have a session.
func (g *Gate) SessionsWith(needs ...Requirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return g.guard(next, false, needs) }
}

// Require is as [Gate.Sessions], for routes that nobody may enter without a session: the browser gets the authority's
// answer, a redirect to the login or 401 JSON. Inside of Sessions it asks the authority again only when it has
// requirements of its own. A preflight gets its answer here, by the edge's settings: CORS middleware of the
// application's own stands outside.
func (g *Gate) Require(needs ...Requirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return g.guard(next, true, needs) }
}

// A checked request, as an inner guard finds it in the context.
type checked struct {
	gate     *Gate
	asker    asker
	method   string
	cookies  []string
	csrf     v1.CsrfRequirement
	verdict  *Verdict
	delivery *delivery
}

type checkedKey struct{}

func (g *Gate) guard(next http.Handler, isRequired bool, needs []Requirement) http.Handler {
	needed := requirements(needs)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPreflight(r) {
			if isRequired {
				g.preflight(r).write(w, r)
			} else {
				next.ServeHTTP(w, r)
			}
			return
		}
		outer, _ := r.Context().Value(checkedKey{}).(*checked)
		here := &checked{gate: g, method: r.Method, cookies: r.Header["Cookie"], csrf: needed.GetCsrf()}
		if outer != nil {
			here.asker, here.delivery = outer.asker, outer.delivery
		} else {
			here.asker = asker{requestID: requestID(r.Header["X-Request-Id"]), logger: g.client.logger}
		}
		ctx := WithRequestID(r.Context(), here.asker.requestID)
		if outer.answers(here, needed) {
			here.verdict = outer.verdict
		} else if settings := g.settings(r.Host); settings == nil {
			here.refuse(here.asker.failed(noSettings()), w, r)
			return
		} else if verdict, err := g.check(ctx, r, settings, needed); err != nil {
			here.refuse(here.asker.failed(err), w, r)
			return
		} else {
			here.verdict = verdict
			w = here.deliver(w, settings)
		}
		switch {
		case here.verdict.Denied != nil:
			here.refuse(here.asker.forbidden(here.verdict.Denied.GetAnswer()), w, r)
			return
		case here.verdict.Session == nil && isRequired:
			here.refuse(here.asker.notSignedIn(here.verdict.Inactive.GetAnswer()), w, r)
			return
		}
		if outer == nil {
			varyBy(w.Header(), "Cookie")
		}
		ctx = context.WithValue(ContextWithSession(ctx, here.verdict.Session), checkedKey{}, here)
		next.ServeHTTP(w, r.WithContext(ctx))
		if here.delivery != nil && (outer == nil || outer.delivery == nil) {
			here.delivery.begin() // a handler that wrote nothing has answered 200
		}
	})
}

// preflight answers for a route that needs a session, which a preflight never has.
func (g *Gate) preflight(r *http.Request) *response {
	settings := g.settings(r.Host)
	if settings == nil {
		return asker{requestID: requestID(r.Header["X-Request-Id"]), logger: g.client.logger}.failed(noSettings())
	}
	return settings.share(r.Header, settings.cors.preflight(r.Header))
}

// answers says whether an outer guard's verdict holds for an inner guard too. Another setting for CSRF, or a method or
// cookies that were changed on the way, make another question.
func (c *checked) answers(here *checked, needed *v1.Requirements) bool {
	if c == nil || c.gate != here.gate || c.method != here.method || c.csrf != here.csrf ||
		!slices.Equal(c.cookies, here.cookies) {
		return false
	}
	return c.verdict.Session == nil || areJudged(needed, c.verdict.Judged)
}

func (g *Gate) check(
	ctx context.Context, r *http.Request, settings *settings, needed *v1.Requirements,
) (*Verdict, error) {
	verdict, err := g.sessions.Check(ctx, &v1.ValidateSessionRequest{
		Cookies:       sessionCookies(r.Header, settings),
		Context:       requestContext(r, settings),
		Requirements:  needed,
		CanSetCookies: true,
	})
	if err != nil {
		return nil, err
	}
	g.sawVersion(verdict.SettingsVersion)
	return verdict, canDeliver(verdict)
}

// deliver makes w add the verdict's cookies and CSRF token when the application begins its response, after those of an
// outer guard, which are the older.
func (c *checked) deliver(w http.ResponseWriter, settings *settings) http.ResponseWriter {
	switch {
	case len(c.verdict.SetCookies) == 0 && c.verdict.CSRFToken == "":
		return w
	case c.delivery == nil:
		c.delivery = &delivery{ResponseWriter: w}
		w = c.delivery
	}
	c.delivery.cookies = append(c.delivery.cookies, c.verdict.SetCookies...)
	if c.verdict.CSRFToken != "" {
		c.delivery.csrfHeader, c.delivery.csrfToken = settings.csrfHeader, c.verdict.CSRFToken
	}
	return w
}

// refuse answers in the application's place. What an outer guard has to deliver goes out with it, but not with "could not
// say", which leaves the browser's cookies alone.
func (c *checked) refuse(answer *response, w http.ResponseWriter, r *http.Request) {
	if c != nil && c.delivery != nil && answer.status == http.StatusServiceUnavailable {
		c.delivery.cookies, c.delivery.csrfToken = nil, ""
	}
	answer.write(w, r)
}

// A delivery adds cookies and a CSRF token to a response, and keeps caches from handing them to others (security.md 66),
// whatever headers the application sets. Its cookies come first, so that what the application says of the same ones
// counts. It stands between only where there is something to deliver, which is seldom.
type delivery struct {
	http.ResponseWriter
	cookies    []string
	csrfHeader string
	csrfToken  string
	isDone     bool
}

func (d *delivery) begin() {
	if d.isDone {
		return
	}
	d.isDone = true
	if len(d.cookies) == 0 && d.csrfToken == "" { // withdrawn
		return
	}
	header := d.Header()
	header.Set("Cache-Control", "no-store")
	header["Set-Cookie"] = append(d.cookies, header["Set-Cookie"]...)
	if d.csrfToken != "" {
		header.Set(d.csrfHeader, d.csrfToken)
	}
}

func (d *delivery) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		d.begin()
	}
	d.ResponseWriter.WriteHeader(status)
}

func (d *delivery) Write(body []byte) (int, error) {
	d.begin()
	return d.ResponseWriter.Write(body)
}

// Flush implements http.Flusher, which many a handler of events asks for.
func (d *delivery) Flush() {
	d.begin()
	_ = http.NewResponseController(d.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker. Who takes over the connection sends the headers that are set.
func (d *delivery) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	d.begin()
	return http.NewResponseController(d.ResponseWriter).Hijack()
}

// Unwrap is for http.ResponseController.
func (d *delivery) Unwrap() http.ResponseWriter { return d.ResponseWriter }
