package gatelodge

import v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"

// A Verdict is a definite answer about a presented session. Exactly one of Session, Inactive and Denied is set.
type Verdict struct {
	// Session lives, and every requirement is met.
	Session *Session
	// Inactive: there is no living session. A reason that this module does not know changes nothing.
	Inactive *v1.InactiveSession
	// Denied: the session lives, but this request may not go ahead. Treat an unknown reason as 403.
	Denied *v1.DeniedSession

	// Judged is all that was judged to let the request through.
	Judged *v1.JudgedRequirements
	// SetCookies are whole Set-Cookie values to deliver with the answer to this very request.
	SetCookies []string
	// CSRFToken is a fresh one, when it was asked for or the credential was rotated: to be delivered beside SetCookies.
	CSRFToken string
	// SettingsVersion names the edge settings in force; empty in a verdict that was kept.
	SettingsVersion string
}

// read makes a verdict of an answer, or nothing.
//
// Invariant: an older authority ignores a requirement that it does not know, and its "active" is then no yes; a newer one
// may give an outcome that is not known here, which is neither yes nor no.
func read(question *v1.ValidateSessionRequest, answer *v1.ValidateSessionResponse) (*Verdict, error) {
	verdict := &Verdict{SettingsVersion: answer.GetSettingsVersion()}
	switch outcome := answer.GetOutcome().(type) {
	case *v1.ValidateSessionResponse_Active:
		active := outcome.Active
		if active.GetIdentity() == nil || active.GetSession() == nil {
			return nil, couldNotSay("the authority found a session, and did not say whose")
		}
		verdict.Judged = active.GetJudged()
		if needsCSRF(question) && !verdict.Judged.GetCsrf() || !areJudged(question.GetRequirements(), verdict.Judged) {
			return nil, couldNotSay("the authority did not judge all that was asked: it may be older than this client")
		}
		verdict.Session = newSession(active.Identity, active.Session)
		verdict.SetCookies, verdict.CSRFToken = active.SetCookies, active.CsrfToken
	case *v1.ValidateSessionResponse_Inactive:
		verdict.Inactive = outcome.Inactive
	case *v1.ValidateSessionResponse_Denied:
		verdict.Denied = outcome.Denied
	default:
		return nil, couldNotSay("the authority gave an outcome that is not known here: it may be newer than this client")
	}
	return verdict, nil
}

// needsCSRF says whether a CSRF token was asked for.
func needsCSRF(question *v1.ValidateSessionRequest) bool {
	switch question.GetRequirements().GetCsrf() {
	case v1.CsrfRequirement_CSRF_REQUIREMENT_REQUIRED:
		return true
	case v1.CsrfRequirement_CSRF_REQUIREMENT_NOT_REQUIRED:
		return false
	default:
		return question.GetContext() != nil && !isSafe(string(question.Context.Method))
	}
}

func isSafe(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE"
}
