package gatelodge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// at are settings of a tenant at these hosts, which differ from others' in all that an edge goes by.
func at(name string, hosts ...string) *v1.EdgeSettings {
	tenant := settingsOf("v1").Settings
	tenant.Hosts = hosts
	tenant.SessionCookieNames = []string{name}
	tenant.CsrfHeader = "x-" + name
	tenant.PublicBaseUrl = map[string]string{"app": "https://app.example.com"}[name]
	tenant.Cors.AllowedOrigins = []string{"https://spa." + name}
	return tenant
}

var ofThreeHosts = &v1.GetEdgeSettingsResponse{
	Settings: at("app", "app.example.com"),
	Others: []*v1.EdgeSettings{
		at("acme", "acme.example.com", "[::1]", "app.example.com"), at("other", "app.example.com:8443"),
	},
}

var tenantsByHost = map[string]string{
	"app.example.com":       "app",
	"acme.example.com":      "acme",
	"ACME.example.com:8000": "acme",
	"[::1]:8000":            "acme",
	"[::1]":                 "acme",
	"app.example.com:8443":  "other",
	"app.example.com:9000":  "app",
	"elsewhere.example":     "app",
	"":                      "app",
}

func TestAnEdgeOfSeveralHostsGoesByTheHostOfEachRequest(t *testing.T) {
	s := &scripted{}
	s.say(getSettings, ofThreeHosts)
	s.say(validate, active(func(session *v1.ActiveSession) { session.CsrfToken = "fresh" }))
	edge := s.edge(t)
	app := edge.Gate().Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for host, tenant := range tenantsByHost {
		for name, handler := range map[string]http.Handler{"edge": edge, "application": app} {
			request := httptest.NewRequest("GET", "/auth/me", nil)
			request.Host = host
			request.Header.Set("Cookie", "app=1; acme=1; other=1")
			request.Header.Set("Origin", "https://spa."+tenant)
			got := send(handler, request)
			calls := s.called(validate)
			cookies := calls[len(calls)-1].question.(*v1.ValidateSessionRequest).Cookies
			if len(cookies) != 1 || cookies[0].Name != tenant || got.Header().Get("X-"+tenant) != "fresh" {
				t.Errorf("%s at %q: %v %v", name, host, cookies, got.Header())
			}
			if name == "application" { // its answers are its own
				continue
			}
			hasHSTS := got.Header().Get("Strict-Transport-Security") != ""
			if got.Header().Get("Access-Control-Allow-Origin") != "https://spa."+tenant || hasHSTS != (tenant == "app") {
				t.Errorf("%s at %q: %v", name, host, got.Header())
			}
		}
		for name, handler := range map[string]http.Handler{"edge": edge, "application": app} {
			for _, origin := range []string{"app", "acme", "other"} {
				request := httptest.NewRequest("OPTIONS", "/auth/me", nil)
				request.Host = host
				request.Header.Set("Origin", "https://spa."+origin)
				request.Header.Set("Access-Control-Request-Method", "POST")
				allowed := send(handler, request).Header().Get("Access-Control-Allow-Origin")
				if (allowed != "") != (origin == tenant) {
					t.Errorf("%s at %q lets %s in: %q", name, host, origin, allowed)
				}
			}
		}
	}
}

func TestAGRPCServerOfSeveralHostsGoesByTheAuthorityOfEachCall(t *testing.T) {
	s := &scripted{}
	s.say(getSettings, ofThreeHosts)
	s.say(validate, active())
	gate := s.edge(t).Gate()
	for host, tenant := range tenantsByHost {
		came := metadata.Pairs(":authority", host, "cookie", "app=1; acme=1; other=1")
		ctx := metadata.NewIncomingContext(t.Context(), came)
		handler := func(context.Context, any) (any, error) { return nil, nil }
		if _, err := gate.UnarySessions(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}, handler); err != nil {
			t.Fatal(err)
		}
		calls := s.called(validate)
		cookies := calls[len(calls)-1].question.(*v1.ValidateSessionRequest).Cookies
		if len(cookies) != 1 || cookies[0].Name != tenant {
			t.Errorf("at %q: %v", host, cookies)
		}
	}
}

func TestSettingsOfATenantThatCannotBeUsedAreNotTaken(t *testing.T) {
	broken := at("acme", "acme.example.com")
	broken.CsrfHeader = "no header\r\n"
	answer := &v1.GetEdgeSettingsResponse{Settings: at("app"), Others: []*v1.EdgeSettings{broken}}
	if _, err := readSettled(answer); err == nil {
		t.Error("they were taken")
	}
}

func TestAClientNamesItsTenantWithEveryCall(t *testing.T) {
	s := withSettings()
	s.say(validate, active())
	ask := func(ctx context.Context, opts ...Option) []string {
		t.Helper()
		if _, err := s.client(t, opts...).Check(ctx, question); err != nil {
			t.Fatal(err)
		}
		calls := s.called(validate)
		return calls[len(calls)-1].metadata.Get("x-tenant-id")
	}
	if got := ask(t.Context()); got != nil {
		t.Errorf("without one: %q", got)
	}
	if got := ask(t.Context(), WithTenant("acme")); len(got) != 1 || got[0] != "acme" {
		t.Errorf("with one: %q", got)
	}
	own := metadata.AppendToOutgoingContext(t.Context(), "x-tenant-id", "globex")
	if got := ask(own, WithTenant("acme")); len(got) != 1 || got[0] != "globex" {
		t.Errorf("of the call's own: %q", got)
	}
	named := fromVariables(func(name string) string { return map[string]string{EnvTenant: "hooli"}[name] })
	if got := ask(t.Context(), named); len(got) != 1 || got[0] != "hooli" {
		t.Errorf("of the environment: %q", got)
	}
}
