package gatelodge

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
)

// application says who is logged in, and counts how often it runs.
type application struct{ runs int }

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.runs++
	w.Header().Set("Cache-Control", "public")
	w.Header().Set("Set-Cookie", "theme=dark")
	if session, ok := SessionFrom(r.Context()); ok {
		_, _ = fmt.Fprint(w, session.UserID)
		return
	}
	_, _ = fmt.Fprint(w, "nobody")
}

func gateOf(t *testing.T, s *scripted) *Gate {
	t.Helper()
	gate := NewGate(s.client(t))
	wait.ForSettings(t, gate)
	return gate
}

func withCookies(cookies ...string) func(*v1.ActiveSession) {
	return func(session *v1.ActiveSession) { session.SetCookies = cookies }
}

func TestALivingSessionReachesTheApplicationWithOneCall(t *testing.T) {
	s, app := withSettings(), &application{}
	gate := gateOf(t, s)
	s.say(validate, active(withCookies("session=new; Path=/")))
	got := get(gate.Sessions(gate.Require()(gate.Require()(app))), "/mine")
	if got.Code != 200 || got.Body.String() != "google_1" || app.runs != 1 || len(s.called(validate)) != 1 {
		t.Error(got.Code, got.Body, app.runs, len(s.called(validate)))
	}
	header := got.Header()
	if !slices.Equal(header["Set-Cookie"], []string{"session=new; Path=/", "theme=dark"}) {
		t.Errorf("%q", header["Set-Cookie"])
	}
	if header.Get("Cache-Control") != "no-store" || !slices.Equal(header["Vary"], []string{"Cookie"}) {
		t.Error(header)
	}
	asked := s.called(validate)[0].question.(*v1.ValidateSessionRequest)
	if !asked.CanSetCookies || asked.IssueCsrfToken || asked.AnswerJson {
		t.Error(asked)
	}
}

func TestNobodyGoesOnUnlessTheRouteNeedsASession(t *testing.T) {
	s, app := withSettings(), &application{}
	gate := gateOf(t, s)
	s.say(validate, inactive(1, redirectAnswer()))
	if got := get(gate.Sessions(app), "/"); got.Body.String() != "nobody" || got.Header().Get("Cache-Control") != "public" {
		t.Error(got.Body, got.Header())
	}
	for _, guarded := range []http.Handler{gate.Require()(app), gate.Sessions(gate.Require(Scopes("admin"))(app))} {
		before := len(s.called(validate))
		if got := get(guarded, "/"); got.Code != 302 || len(s.called(validate)) != before+1 {
			t.Error(got.Code)
		}
	}
	s.say(validate, inactive(99, nil))
	if got := get(gate.Require()(app), "/"); got.Code != 401 {
		t.Error("an unknown reason is inactive", got.Code)
	}
	if app.runs != 1 {
		t.Error(app.runs)
	}
}

func TestADeniedRequestNeverReachesTheApplication(t *testing.T) {
	s, app := withSettings(), &application{}
	gate := gateOf(t, s)
	s.say(validate, denied(v1.DeniedReason_DENIED_REASON_CSRF_INVALID, finishedAnswer(403, "{}")), denied(99, nil))
	for range 2 {
		if got := send(gate.Sessions(app), httptest.NewRequest("POST", "/", nil)); got.Code != 403 || app.runs != 0 {
			t.Error(got.Code, app.runs)
		}
	}
}

func TestWhenTheAuthorityCantSayNoHandlerRuns(t *testing.T) {
	s, app := withSettings(), &application{}
	gate := gateOf(t, s)
	torn := active(withCookies("a\nb"))
	s.say(validate, fails(codes.Internal, ErrInternal), &v1.ValidateSessionResponse{}, torn)
	for range 3 {
		assertCouldNotSay(t, get(gate.Sessions(app), "/"))
	}
	if app.runs != 0 {
		t.Error(app.runs)
	}
}

// contract.md 3: an older authority ignores what it does not know, and must not thereby say yes.
func TestARequirementHasToBeRepeatedAsJudged(t *testing.T) {
	s, app := withSettings(), &application{}
	gate := gateOf(t, s)
	guarded := gate.Require(Scopes("admin"), MaxLoginAge(5*time.Minute))(app)
	s.say(validate, active())
	assertCouldNotSay(t, get(guarded, "/"))
	asked := s.called(validate)[0].question.(*v1.ValidateSessionRequest).Requirements
	if !slices.Equal(asked.Scopes, []string{"admin"}) || asked.MaxLoginAge.Seconds != 300 {
		t.Error(asked)
	}
	s.say(validate, active(func(session *v1.ActiveSession) {
		session.Judged = &v1.JudgedRequirements{Scopes: []string{"admin"}, MaxLoginAge: durationpb.New(5 * time.Minute)}
	}))
	if got := get(guarded, "/"); got.Code != 200 {
		t.Error(got.Code)
	}
	s.say(validate, active(func(session *v1.ActiveSession) { session.Judged = nil }))
	post := func(guard func(http.Handler) http.Handler) *httptest.ResponseRecorder {
		return send(guard(app), httptest.NewRequest("POST", "/", nil))
	}
	assertCouldNotSay(t, post(gate.Require()))
	assertCouldNotSay(t, get(gate.SessionsWith(CSRFRequired())(app), "/"))
	if got := post(gate.Require(CSRFNotRequired())); got.Code != 200 {
		t.Error(got.Code)
	}
}

func TestTheCookieGoesOutOfAHandlerThatWritesNothing(t *testing.T) {
	s := withSettings()
	s.say(validate, active(func(session *v1.ActiveSession) { session.SetCookies = []string{"session=new"} }))
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	got := get(s.edge(t).Gate().Sessions(nothing), "/")
	if got.Code != 200 || got.Header().Get("Set-Cookie") != "session=new" || got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
}

func TestAnEventStreamCanStillBeFlushed(t *testing.T) {
	s := withSettings()
	gate := gateOf(t, s)
	s.say(validate, active(withCookies("session=new")))
	server := httptest.NewServer(gate.Sessions(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.(http.Flusher).Flush()
		_, _ = fmt.Fprint(w, "event")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})))
	defer server.Close()
	got, err := http.Get(server.URL)
	if err != nil || !slices.Equal(got.Header["Set-Cookie"], []string{"session=new"}) {
		t.Fatal(got, err)
	}
	_ = got.Body.Close()
}

func TestAPreflightIsNotValidatedAndPassesNoGuardThatNeedsASession(t *testing.T) {
	s, app := withSettings(), &application{}
	gate := gateOf(t, s)
	preflight := func(handler http.Handler, origin string) *httptest.ResponseRecorder {
		request := httptest.NewRequest("OPTIONS", "/", nil)
		request.Header.Set("Origin", origin)
		request.Header.Set("Access-Control-Request-Method", "POST")
		return send(handler, request)
	}
	for _, guarded := range []http.Handler{gate.Require()(app), gate.Sessions(gate.Require()(app))} {
		for origin, told := range map[string]string{allowed: allowed, "https://evil.example": ""} {
			got := preflight(guarded, origin)
			if got.Code != 204 || got.Header().Get("Access-Control-Allow-Origin") != told {
				t.Error(origin, got.Code, got.Header())
			}
		}
	}
	if app.runs != 0 {
		t.Error("the application ran without a session")
	}
	if got := preflight(gate.Sessions(app), allowed); got.Code != 200 || app.runs != 1 || len(s.called(validate)) != 0 {
		t.Error(got.Code, app.runs)
	}
}

func TestOptionsIsValidatedUnlessItIsAPreflight(t *testing.T) {
	s, app := withSettings(), &application{}
	gate := gateOf(t, s)
	s.say(validate, inactive(1, nil))
	for _, name := range []string{"Access-Control-Request-Method", "Origin"} {
		request := httptest.NewRequest("OPTIONS", "/", nil)
		request.Header.Set(name, "POST")
		if got := send(gate.Require()(app), request); got.Code != 401 || app.runs != 0 {
			t.Error(name, got.Code)
		}
	}
}
