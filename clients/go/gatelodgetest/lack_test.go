package gatelodgetest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
)

var everything = []gatelodge.SharedRequirement{
	gatelodge.Scopes("email"), gatelodge.AnyScopes("orders", "bills"), gatelodge.Permissions("pay"),
	gatelodge.AnyPermissions("read", "write"), gatelodge.Roles("staff"), gatelodge.EmailVerified(),
	gatelodge.ACRValues("2", "3"), gatelodge.AMRValues("pwd", "otp"), gatelodge.MaxLoginAge(time.Hour),
}

// strict guards a handler that needs everything, once of a session and once of a token.
func strict(t *testing.T, authority *gatelodgetest.Authority) (ofSession, ofToken http.Handler) {
	t.Helper()
	client := authority.Client()
	gate := gatelodge.NewGate(client)
	wait.ForSettings(t, gate)
	var session []gatelodge.Requirement
	var token []gatelodge.TokenRequirement
	for _, need := range everything {
		session, token = append(session, need), append(token, need)
	}
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	return gate.Require(session...)(ok), client.RequireToken(token...)(ok)
}

func ada() gatelodgetest.Session {
	return gatelodgetest.Session{
		UserID: "google_1", Email: "ada@example.com", Scopes: []string{"email", "bills"}, Roles: []string{"staff"},
		Permissions: []string{"pay", "write"}, ACR: "3", AMR: []string{"otp", "pwd"},
	}
}

func TestWhoeverLacksOneThingIsToldWhich(t *testing.T) {
	authority := gatelodgetest.NewAuthority()
	t.Cleanup(authority.Close)
	ofSession, ofToken := strict(t, authority)
	for _, row := range []struct {
		name           string
		less           func(*gatelodgetest.Session)
		reason, detail string
		byLogin        bool
	}{
		{"nothing", func(*gatelodgetest.Session) {}, "", "", false},
		{"a scope", func(s *gatelodgetest.Session) { s.Scopes = []string{"bills"} }, "scope_missing", "Missing scope: email", false},
		{"one scope of two", func(s *gatelodgetest.Session) { s.Scopes = []string{"email"} }, "scope_missing", "Missing scope: orders bills", false},
		{"a permission", func(s *gatelodgetest.Session) { s.Permissions = []string{"write"} }, "permission_missing", "Missing permission: pay", false},
		{"one permission of two", func(s *gatelodgetest.Session) { s.Permissions = []string{"pay"} }, "permission_missing", "Missing permission: read write", false},
		{"a role", func(s *gatelodgetest.Session) { s.Roles = nil }, "role_missing", "Missing role: staff", false},
		{"a verified address", func(s *gatelodgetest.Session) { s.EmailUnverified = true }, "email_not_verified", "A verified email address is needed", false},
		{"a class", func(s *gatelodgetest.Session) { s.ACR = "1" }, "acr_missing", "A stronger login is needed", true},
		{"a method", func(s *gatelodgetest.Session) { s.AMR = []string{"pwd"} }, "amr_missing", "A login is needed that uses otp", true},
		{"a fresh login", func(s *gatelodgetest.Session) { s.LoginTime = time.Now().Add(-2 * time.Hour) }, "login_too_old", "A fresh login is needed", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			who := ada()
			row.less(&who)
			request := httptest.NewRequest("GET", "/pay", nil)
			authority.SignIn(who).Sign(request)
			expect(t, send(ofSession, request), http.StatusForbidden, row.reason, row.detail, row.byLogin)

			request = httptest.NewRequest("GET", "/pay", nil)
			request.Header.Set("Authorization", "Bearer "+authority.IssueToken(gatelodgetest.Token{
				UserID: who.UserID, Email: who.Email, EmailUnverified: who.EmailUnverified, Scopes: who.Scopes,
				Permissions: who.Permissions, Roles: who.Roles, ACR: who.ACR, AMR: who.AMR, LoginTime: who.LoginTime,
			}))
			status, header := http.StatusForbidden, `Bearer error="insufficient_scope"`
			if row.byLogin {
				status, header = http.StatusUnauthorized, `Bearer error="insufficient_user_authentication", acr_values="2 3", max_age="3600"`
			}
			got := send(ofToken, request)
			if row.reason != "" && !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), header) {
				t.Errorf("%q", got.Header.Get("WWW-Authenticate"))
			}
			expect(t, got, status, row.reason, row.detail, false)
		})
	}
}

// expect compares a denial, or a yes where there is no reason for one.
func expect(t *testing.T, got *http.Response, status int, reason, detail string, hasWay bool) {
	t.Helper()
	if reason == "" {
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: %v", got.Status, jsonOf(t, got))
		}
		return
	}
	body := jsonOf(t, got)
	if _, has := body["login_path"]; got.StatusCode != status || body["reason"] != reason || body["detail"] != detail || has != hasWay {
		t.Errorf("%s: %v", got.Status, body)
	}
}

func TestAPageThatNeedsAnotherLoginLeadsThere(t *testing.T) {
	authority := gatelodgetest.NewAuthority()
	t.Cleanup(authority.Close)
	ofSession, _ := strict(t, authority)
	who := ada()
	who.ACR = "1"
	request := httptest.NewRequest("GET", "/pay?a=b", nil)
	authority.SignIn(who).Sign(request)
	request.Header.Set("Accept", "text/html")
	got := send(ofSession, request)
	place, err := url.Parse(got.Header.Get("Location"))
	if err != nil || got.StatusCode != http.StatusFound || place.Path != "/auth/web/login" {
		t.Fatal(got.Status, got.Header, err)
	}
	asked := place.Query()
	if asked.Get("acr_values") != "2 3" || asked.Get("max_age") != "3600" || asked.Get("redirect_uri") != "/pay?a=b" {
		t.Error(asked)
	}
}
