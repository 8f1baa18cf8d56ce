package gatelodge

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

func TestAnInnerGuardAsksAgainOnlyForAnotherQuestion(t *testing.T) {
	s, app := withSettings(), &application{}
	gate := gateOf(t, s)
	method := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.Method = "POST"; next.ServeHTTP(w, r) })
	}
	other := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Cookie", "session=other")
			next.ServeHTTP(w, r)
		})
	}
	for i, row := range []struct {
		handler http.Handler
		calls   int
	}{
		{gate.Sessions(gate.Require()(app)), 1},
		{gate.Require(Scopes("a", "b"))(gate.Require(Scopes("b"))(app)), 1},
		{gate.Require(MaxLoginAge(time.Minute))(gate.Require(MaxLoginAge(time.Hour))(app)), 1},
		{gate.Require(Scopes("b"))(gate.Require(Scopes("a"))(app)), 2},
		{gate.Require(MaxLoginAge(time.Hour))(gate.Require(MaxLoginAge(time.Minute))(app)), 2},
		{gate.SessionsWith(CSRFNotRequired())(gate.Require()(app)), 2},
		{gate.Sessions(method(gate.Require()(app))), 2},
		{gate.Sessions(other(gate.Require()(app))), 2},
		{gate.Sessions(gateOf(t, s).Require()(app)), 2},
	} {
		s.say(validate, func(q *v1.ValidateSessionRequest) *v1.ValidateSessionResponse {
			return active(func(session *v1.ActiveSession) {
				session.Judged.Scopes, session.Judged.MaxLoginAge = q.Requirements.Scopes, q.Requirements.MaxLoginAge
			})
		})
		before := len(s.called(validate))
		if got := get(row.handler, "/"); got.Code != 200 || len(s.called(validate))-before != row.calls {
			t.Errorf("row %d: %d, %d calls", i, got.Code, len(s.called(validate))-before)
		}
	}
}

func TestWhatAnOuterGuardHasToDeliverGoesOutWhateverTheInnerOneSays(t *testing.T) {
	validateToken := v1.TokenService_ValidateToken_FullMethodName
	rotated := func(of string) *v1.ValidateSessionResponse {
		return active(withCookies("session="+of), func(session *v1.ActiveSession) { session.CsrfToken = "csrf_" + of })
	}
	gone := finishedAnswer(401, "{}")
	gone.SetCookies = []string{"session=; Max-Age=0"}
	token := func(outcome *v1.ValidateTokenResponse) []any { return []any{outcome} }
	for name, row := range map[string]struct {
		session []any // what the inner guard of sessions gets
		token   []any // what the inner guard of tokens gets
		status  int
		cookies []string
		csrf    string
	}{
		"a session":         {session: []any{active()}, status: 200, cookies: []string{"session=outer", "theme=dark"}, csrf: "csrf_outer"},
		"a rotated session": {session: []any{rotated("inner")}, status: 200, cookies: []string{"session=outer", "session=inner", "theme=dark"}, csrf: "csrf_inner"},
		"no session":        {session: []any{inactive(1, gone)}, status: 401, cookies: []string{"session=outer", "session=; Max-Age=0"}, csrf: "csrf_outer"},
		"no answer":         {session: []any{inactive(1, nil)}, status: 401, cookies: []string{"session=outer"}, csrf: "csrf_outer"},
		"too little":        {session: []any{denied(1, finishedAnswer(403, "{}"))}, status: 403, cookies: []string{"session=outer"}, csrf: "csrf_outer"},
		"nobody can say":    {session: []any{fails(codes.Internal, ErrInternal)}, status: 503},
		"an odd answer":     {session: []any{denied(1, finishedAnswer(99, "{}"))}, status: 503},
		"a token": {token: token(&v1.ValidateTokenResponse{Outcome: &v1.ValidateTokenResponse_Active{
			Active: &v1.ActiveToken{Identity: &v1.Identity{}}}}), status: 200, cookies: []string{"session=outer", "theme=dark"}, csrf: "csrf_outer"},
		"no token": {token: token(&v1.ValidateTokenResponse{Outcome: &v1.ValidateTokenResponse_Inactive{
			Inactive: &v1.InactiveToken{Answer: finishedAnswer(401, "{}")}}}), status: 401, cookies: []string{"session=outer"}, csrf: "csrf_outer"},
		"a token nobody can judge": {token: []any{fails(codes.Internal, ErrInternal)}, status: 503},
		"a token without an answer": {token: token(&v1.ValidateTokenResponse{Outcome: &v1.ValidateTokenResponse_Denied{
			Denied: &v1.DeniedToken{}}}), status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			s, app := withSettings(), &application{}
			gate := gateOf(t, s)
			inner := gate.Require(CSRFNotRequired())
			if row.token != nil {
				s.say(validateToken, row.token...)
				inner = gate.Client().RequireToken()
			}
			s.say(validate, append([]any{rotated("outer")}, row.session...)...)
			got := get(gate.Sessions(inner(app)), "/")
			header := got.Header()
			if got.Code != row.status || !slices.Equal(header["Set-Cookie"], row.cookies) || header.Get("X-Csrf-Token") != row.csrf {
				t.Errorf("%d %q %q", got.Code, header["Set-Cookie"], header.Get("X-Csrf-Token"))
			}
			if row.status == 503 {
				assertCouldNotSay(t, got)
			}
			if header.Get("Cache-Control") != "no-store" || !slices.Equal(header["Vary"], []string{"Cookie"}) {
				t.Error(header)
			}
		})
	}
}
