package gatelodgetest

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const logoutToken = "logout_"

// LogoutToken is what the one provider's server sends as "logout_token" to /auth/web/backchannel-logout, to tell that
// somebody has logged out there: from one of its own sessions ([Session.ProviderSession]), or a user, by their id, from all.
// Each is carried out once.
//
// A page of the provider names its session at /auth/web/frontchannel-logout, as "sid" beside [Issuer] as "iss".
func LogoutToken(sessionOrUser string) string { return logoutToken + sessionOrUser }

// HandleBackchannelLogout takes the word of the one provider.
func (a loginService) HandleBackchannelLogout(
	ctx context.Context, q *v1.HandleBackchannelLogoutRequest,
) (*v1.HandleBackchannelLogoutResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.HandleBackchannelLogoutResponse{SettingsVersion: a.settings.Version}
	form, err := url.ParseQuery(string(q.Form))
	tokens := form["logout_token"]
	switch {
	case err != nil || len(tokens) != 1:
		said.Answer = notAccepted(ctx, "request_malformed")
	case !strings.HasPrefix(tokens[0], logoutToken):
		said.Answer = notAccepted(ctx, "logout_token_rejected")
	default:
		named := strings.TrimPrefix(tokens[0], logoutToken)
		if !a.told[named] {
			said.RevokedCount = a.endAll(func(who Session) bool { return who.UserID == named || who.ProviderSession == named })
		}
		a.told[named] = true
		said.Answer = jsonAnswer(http.StatusOK, map[string]string{})
	}
	return said, nil
}

// HandleFrontchannelLogout takes the word of a page that names the one provider and a session of its.
func (a loginService) HandleFrontchannelLogout(
	ctx context.Context, q *v1.HandleFrontchannelLogoutRequest,
) (*v1.HandleFrontchannelLogoutResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.HandleFrontchannelLogoutResponse{SettingsVersion: a.settings.Version}
	query, err := url.ParseQuery(string(q.Query))
	issuer, session := query.Get("iss"), query.Get("sid")
	switch {
	case err != nil || issuer == "" || session == "":
		detail, remedy := "The parameters iss and sid are needed", "Send each of them once."
		said.Answer = problem(http.StatusBadRequest, "request_malformed", detail, remedy, requestID(ctx))
	case issuer != Issuer:
		detail := "No provider of this issuer may log out in this way"
		said.Answer = problem(http.StatusBadRequest, "provider_unknown", detail, "", requestID(ctx))
	default:
		said.RevokedCount = a.endAll(func(who Session) bool { return who.ProviderSession == session })
		said.Answer = answer(http.StatusOK, "text/html; charset=utf-8", "<!doctype html>\n<title>Logged out</title>\n")
		policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors " + Issuer
		said.Answer.Headers = append(said.Answer.Headers, &v1.HttpHeader{Name: "content-security-policy", Value: policy})
	}
	return said, nil
}

// endAll ends the living sessions that are meant, and says how many. The caller holds the lock.
func (a *Authority) endAll(isMeant func(Session) bool) (ended uint32) {
	for _, one := range a.living() {
		if isMeant(one.who) {
			a.end(one, v1.InactiveReason_INACTIVE_REASON_REVOKED)
			ended++
		}
	}
	return ended
}

// notAccepted is for a provider's server (OpenID Connect Back-Channel Logout 1.0, 2.8).
func notAccepted(ctx context.Context, reason string) *v1.HttpAnswer {
	return jsonAnswer(http.StatusBadRequest, map[string]string{
		"error": "invalid_request", "detail": "The logout token was not accepted", "reason": reason,
		"request_id": requestID(ctx),
	})
}
