package gatelodgetest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

func (a *Authority) inactive(
	reason v1.InactiveReason, context *v1.RequestContext, asJSON bool, requestID string,
) *v1.InactiveSession {
	inactive := &v1.InactiveSession{Reason: reason}
	switch {
	case context == nil:
	case !asJSON && isNavigation(context) && string(context.Method) == "GET":
		inactive.Answer = toLogin(context, "")
	case reason == v1.InactiveReason_INACTIVE_REASON_NONE, reason == v1.InactiveReason_INACTIVE_REASON_FORGED,
		reason == v1.InactiveReason_INACTIVE_REASON_AMBIGUOUS:
		inactive.Answer = problem(http.StatusUnauthorized, "not_signed_in", "Not signed in", "Log in first.", requestID)
	default:
		remedy := "The session has ended. Log in again."
		inactive.Answer = problem(http.StatusUnauthorized, "session_ended", "Session expired", remedy, requestID)
	}
	return inactive
}

func (a *Authority) denied(
	found *session, reason v1.DeniedReason, q *v1.ValidateSessionRequest, requestID string,
) *v1.DeniedSession {
	public, detail, remedy := a.words(reason)
	denied := &v1.DeniedSession{Reason: reason, Session: found.info, Remedy: remedy}
	if lack := lackOf(q.GetRequirements(), found.identity, found.identity.Permissions); lack != nil && lack.reason == reason {
		detail = lack.detail
		switch reason {
		case v1.DeniedReason_DENIED_REASON_SCOPE_MISSING:
			denied.MissingScopes = lack.missing
		case v1.DeniedReason_DENIED_REASON_PERMISSION_MISSING:
			denied.MissingPermissions = lack.missing
		case v1.DeniedReason_DENIED_REASON_ROLE_MISSING:
			denied.MissingRoles = lack.missing
		case v1.DeniedReason_DENIED_REASON_ACR_MISSING:
			denied.MissingAcrValues = lack.missing
		case v1.DeniedReason_DENIED_REASON_AMR_MISSING:
			denied.MissingAmrValues = lack.missing
		}
	}
	if isMendedByLogin(reason) {
		denied.LoginQuery = loginQuery(found, reason, q.GetRequirements())
	}
	if q.Context == nil {
		return denied
	}
	isOnItsWay := !q.AnswerJson && isNavigation(q.Context) && string(q.Context.Method) == "GET"
	told := map[string]string{"detail": detail, "reason": public, "remedy": remedy, "request_id": requestID}
	switch {
	case denied.LoginQuery == "":
		denied.Answer = jsonAnswer(http.StatusForbidden, told)
	case isOnItsWay:
		denied.Answer = toLogin(q.Context, denied.LoginQuery+"&")
	default:
		told["login_path"] = loginPath + "?" + denied.LoginQuery
		denied.Answer = jsonAnswer(http.StatusForbidden, told)
	}
	return denied
}

// words are what is told of a denial: its public name, what is wrong, and what to do about it.
func (a *Authority) words(reason v1.DeniedReason) (public, detail, remedy string) {
	const ask = "Ask whoever runs this application for it, then log in again."
	const inThatWay = "Log in again in the way that is asked for, then repeat the request."
	switch reason {
	case v1.DeniedReason_DENIED_REASON_ORIGIN_REFUSED:
		detail, remedy = "Requests from this origin are not allowed", "Send the request from the site itself."
	case v1.DeniedReason_DENIED_REASON_SCOPE_MISSING:
		detail, remedy = "Missing scope", "Log in with an account that is granted the scope."
	case v1.DeniedReason_DENIED_REASON_PERMISSION_MISSING:
		detail, remedy = "Missing permission", ask
	case v1.DeniedReason_DENIED_REASON_ROLE_MISSING:
		detail, remedy = "Missing role", ask
	case v1.DeniedReason_DENIED_REASON_EMAIL_NOT_VERIFIED:
		detail = "A verified email address is needed"
		remedy = "Verify your email address where you log in, then log in again."
	case v1.DeniedReason_DENIED_REASON_ACR_MISSING:
		detail, remedy = "A stronger login is needed", inThatWay
	case v1.DeniedReason_DENIED_REASON_AMR_MISSING:
		detail, remedy = "Another way to log in is needed", inThatWay
	case v1.DeniedReason_DENIED_REASON_LOGIN_TOO_OLD:
		detail, remedy = "A fresh login is needed", "Log in again, then repeat the request."
	case v1.DeniedReason_DENIED_REASON_CSRF_MISSING, v1.DeniedReason_DENIED_REASON_CSRF_INVALID,
		v1.DeniedReason_DENIED_REASON_CSRF_EXPIRED, v1.DeniedReason_DENIED_REASON_CSRF_OTHER_SESSION,
		v1.DeniedReason_DENIED_REASON_CSRF_ROTATED:
		remedy = "Fetch a fresh token from /auth/me and send it in the " + a.settings.CsrfHeader + " header."
		return "csrf_mismatch", "CSRF token mismatch", remedy
	default:
		return "forbidden", "This session may not make this request", ""
	}
	return publicName(reason), detail, remedy
}

const loginPath = "/auth/web/login"

// loginQuery asks for all that the requirements say of the login.
func loginQuery(found *session, reason v1.DeniedReason, needed *v1.Requirements) string {
	query := "provider=" + url.QueryEscape(found.who.Provider)
	if age := needed.GetMaxLoginAge(); age != nil {
		query += fmt.Sprintf("&max_age=%d", age.Seconds)
	}
	if values := needed.GetAcrValues(); len(values) > 0 {
		query += "&acr_values=" + url.QueryEscape(strings.Join(values, " "))
	}
	if reason == v1.DeniedReason_DENIED_REASON_AMR_MISSING {
		query += "&prompt=login"
	}
	return query
}

func toLogin(context *v1.RequestContext, parameters string) *v1.HttpAnswer {
	place := loginPath + "?" + parameters + "redirect_uri=" + url.QueryEscape(string(context.Target))
	return redirect(http.StatusFound, place)
}
