package gatelodgetest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A session as the authority keeps it.
type session struct {
	who        Session
	identity   *v1.Identity
	info       *v1.SessionInfo
	attributes *v1.Attributes
}

func (s *session) isDead() bool {
	return s.who.Inactive != v1.InactiveReason_INACTIVE_REASON_UNSPECIFIED
}

// begin makes a session. The caller holds the lock, as for all that follows.
func (a *Authority) begin(who Session) *session {
	now := time.Now()
	who.UserID = cmp.Or(who.UserID, "fake_1")
	who.Provider = cmp.Or(who.Provider, "fake")
	who.Cookie = cmp.Or(who.Cookie, "sess_"+rand.Text())
	who.CSRFToken = cmp.Or(who.CSRFToken, "csrf_"+who.Cookie)
	who.LoginTime = cmp.Or(who.LoginTime, now)
	_, sub, _ := strings.Cut(who.UserID, "_")
	made := &session{
		who: who,
		identity: &v1.Identity{
			UserId: who.UserID, Tenant: "default", Provider: who.Provider, Issuer: Issuer, Sub: sub,
			Email: who.Email, EmailVerified: who.Email != "" && !who.EmailUnverified, Name: who.Name, Scopes: who.Scopes,
			Roles: who.Roles, Permissions: who.Permissions, Acr: who.ACR, Amr: who.AMR,
			AuthTime: timestamppb.New(who.LoginTime),
		},
		info: &v1.SessionInfo{
			SessionId: "sid_" + rand.Text()[:24], CreateTime: timestamppb.New(now), LastActiveTime: timestamppb.New(now),
			IdleExpireTime: timestamppb.New(now.Add(time.Hour)), AbsoluteExpireTime: timestamppb.New(now.Add(24 * time.Hour)),
			Generation: 1,
		},
	}
	made.attributes = &v1.Attributes{}
	a.sessions[who.Cookie] = made
	if who.RenewedCookie != "" {
		a.sessions[who.RenewedCookie] = made
	}
	return made
}

// presented returns the living session behind the cookies, or why there is none.
func (a *Authority) presented(cookies []*v1.Cookie) (*session, v1.InactiveReason) {
	var found *session
	for _, cookie := range cookies {
		switch known := a.sessions[string(cookie.Value)]; {
		case known == nil:
		case found != nil && found != known:
			return nil, v1.InactiveReason_INACTIVE_REASON_AMBIGUOUS
		default:
			found = known
		}
	}
	switch {
	case found != nil && found.isDead():
		return nil, found.who.Inactive
	case found == nil && len(cookies) > 0:
		return nil, v1.InactiveReason_INACTIVE_REASON_FORGED
	}
	return found, v1.InactiveReason_INACTIVE_REASON_NONE
}

// renewed is the Set-Cookie value of a session that has a newer credential than those presented.
func (a *Authority) renewed(found *session, q *v1.ValidateSessionRequest) []string {
	newer := found.who.RenewedCookie
	isNewer := func(cookie *v1.Cookie) bool { return string(cookie.Value) == newer }
	if newer == "" || !q.CanSetCookies || slices.ContainsFunc(q.Cookies, isNewer) {
		return nil
	}
	return []string{a.setCookie(a.settings.SessionCookieNames[0], newer, 86400)}
}

// judge finds what is missing for a request, in the order in which a person would mend it.
func (a *Authority) judge(
	found *session, needed *v1.Requirements, context *v1.RequestContext,
) (*v1.JudgedRequirements, v1.DeniedReason) {
	judged := &v1.JudgedRequirements{}
	if a.denial != v1.DeniedReason_DENIED_REASON_UNSPECIFIED {
		return nil, a.denial
	}
	upgrade := isUpgrade(context)
	byMethod := context != nil && (upgrade || !slices.Contains([]string{"GET", "HEAD", "OPTIONS", "TRACE"}, string(context.Method)))
	required := needed.GetCsrf() == v1.CsrfRequirement_CSRF_REQUIREMENT_REQUIRED
	if required || byMethod && needed.GetCsrf() == v1.CsrfRequirement_CSRF_REQUIREMENT_UNSPECIFIED {
		if a.isForeign(context) {
			return nil, v1.DeniedReason_DENIED_REASON_ORIGIN_REFUSED
		}
		judged.Origin = context.Origin != nil || context.SecFetchSite != nil
		if required || !upgrade {
			switch {
			case context.CsrfToken == nil:
				return nil, v1.DeniedReason_DENIED_REASON_CSRF_MISSING
			case string(context.CsrfToken) != found.who.CSRFToken:
				return nil, v1.DeniedReason_DENIED_REASON_CSRF_INVALID
			}
			judged.Csrf = true
		}
	}
	if lack := lackOf(needed, found.identity, found.identity.Permissions); lack != nil {
		return nil, lack.reason
	}
	judged.Scopes, judged.AnyScopes = needed.GetScopes(), needed.GetAnyScopes()
	judged.Permissions, judged.AnyPermissions = needed.GetPermissions(), needed.GetAnyPermissions()
	judged.Roles, judged.EmailVerified = needed.GetRoles(), needed.GetEmailVerified()
	judged.AcrValues, judged.AmrValues = needed.GetAcrValues(), needed.GetAmrValues()
	judged.MaxLoginAge = needed.GetMaxLoginAge()
	return judged, v1.DeniedReason_DENIED_REASON_UNSPECIFIED
}

// isForeign says whether a request comes from an origin that is not allowed.
func (a *Authority) isForeign(context *v1.RequestContext) bool {
	if context.GetOrigin() != nil {
		origin := string(context.Origin)
		return origin != a.settings.PublicBaseUrl && !slices.Contains(a.settings.GetCors().GetAllowedOrigins(), origin)
	}
	site := string(context.GetSecFetchSite())
	return isUpgrade(context) || site != "" && site != "same-origin" && site != "none"
}

func isUpgrade(context *v1.RequestContext) bool {
	return string(context.GetMethod()) == "GET" && strings.Contains(strings.ToLower(string(context.GetUpgrade())), "websocket")
}

// isNavigation says whether a person's browser is on its way to a page; a script's fetch gets JSON.
func isNavigation(context *v1.RequestContext) bool {
	if context.GetXRequestedWith() != nil || isUpgrade(context) {
		return false
	}
	if context.GetSecFetchMode() != nil {
		return string(context.SecFetchMode) == "navigate"
	}
	return strings.Contains(strings.ToLower(string(context.GetAccept())), "text/html")
}

// Finished answers.

func answer(status int, contentType, body string) *v1.HttpAnswer {
	return &v1.HttpAnswer{
		Status: uint32(status), ContentType: contentType, Body: []byte(body),
		Headers: []*v1.HttpHeader{{Name: "cache-control", Value: "no-store"}},
	}
}

func redirect(status int, location string, cookies ...string) *v1.HttpAnswer {
	to := answer(status, "", "")
	to.Location, to.SetCookies = location, cookies
	return to
}

func jsonAnswer(status int, body any) *v1.HttpAnswer {
	text, _ := json.Marshal(body) // maps of texts
	return answer(status, "application/json", string(text))
}

func problem(status int, reason, detail, remedy, requestID string) *v1.HttpAnswer {
	return jsonAnswer(status, map[string]string{
		"detail": detail, "reason": reason, "remedy": remedy, "request_id": requestID,
	})
}

func (a *Authority) setCookie(name, value string, maxAge int) string {
	cookie := http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	cookie.Secure = strings.HasPrefix(a.settings.PublicBaseUrl, "https://")
	return cookie.String()
}
