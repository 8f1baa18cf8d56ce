package gatelodgetest

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A login under way. There is no provider: the browser is sent straight on to the callback.
type login struct {
	binding, returnTo string
	who               Session
}

type loginService struct {
	v1.UnimplementedLoginServiceServer
	*Authority
}

func (a loginService) GetEdgeSettings(
	context.Context, *v1.GetEdgeSettingsRequest,
) (*v1.GetEdgeSettingsResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &v1.GetEdgeSettingsResponse{Settings: a.settings}, nil
}

func (a loginService) ListProviders(
	context.Context, *v1.LoginServiceListProvidersRequest,
) (*v1.LoginServiceListProvidersResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fake := &v1.Provider{Name: "fake", DisplayName: "Fake", LoginPath: "/auth/web/login?provider=fake"}
	return &v1.LoginServiceListProvidersResponse{
		Providers: []*v1.Provider{fake}, SettingsVersion: a.settings.Version,
	}, nil
}

func (a loginService) StartLogin(ctx context.Context, q *v1.StartLoginRequest) (*v1.StartLoginResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.StartLoginResponse{SettingsVersion: a.settings.Version}
	returnTo, ok := a.returnPlace(q.Query, a.settings.LandingPlaces.AfterLogin)
	if !ok {
		said.Answer, said.Failure = notAllowed(ctx), v1.LoginFailure_LOGIN_FAILURE_REDIRECT_NOT_ALLOWED.Enum()
		return said, nil
	}
	state, binding := rand.Text(), rand.Text()
	a.logins[state] = &login{binding: binding, returnTo: returnTo, who: a.next}
	place := a.settings.CallbackAddresses[0].Url + "?code=" + rand.Text() + "&state=" + state
	said.Answer = redirect(http.StatusFound, place, a.setCookie(a.settings.BindingCookieNames[0], binding, 600))
	return said, nil
}

func (a loginService) CompleteCallback(
	ctx context.Context, q *v1.CompleteCallbackRequest,
) (*v1.CompleteCallbackResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.CompleteCallbackResponse{SettingsVersion: a.settings.Version}
	query, _ := url.ParseQuery(string(q.GetQuery()))
	begun := a.logins[query.Get("state")]
	failed := v1.LoginFailure_LOGIN_FAILURE_STATE_INVALID
	for _, cookie := range q.Cookies {
		if begun == nil || cookie.Name != a.settings.BindingCookieNames[0] {
			continue
		}
		failed = v1.LoginFailure_LOGIN_FAILURE_OTHER_BROWSER
		if string(cookie.Value) == begun.binding {
			delete(a.logins, query.Get("state"))
			made := a.begin(begun.who)
			said.Outcome = &v1.CompleteCallbackResponse_Completed{
				Completed: &v1.CompletedLogin{Identity: made.identity, Session: made.info},
			}
			cookie := a.setCookie(a.settings.SessionCookieNames[0], made.who.Cookie, 86400)
			said.Answer = redirect(http.StatusFound, begun.returnTo, cookie)
			return said, nil
		}
	}
	said.Outcome = &v1.CompleteCallbackResponse_Failure{Failure: failed}
	remedy := "This login was not begun here. Begin the login again."
	said.Answer = problem(http.StatusBadRequest, "state_invalid", "Invalid state parameter", remedy, requestID(ctx))
	return said, nil
}

func (a loginService) StartLogout(ctx context.Context, q *v1.StartLogoutRequest) (*v1.StartLogoutResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.StartLogoutResponse{SettingsVersion: a.settings.Version}
	returnTo, ok := a.returnPlace(q.Query, a.settings.LandingPlaces.AfterLogout)
	if !ok {
		said.Answer = notAllowed(ctx)
		return said, nil
	}
	context, ok := withTokenOf(q.Form, q.Context)
	if !ok {
		detail, remedy := "The request can't be read", "Send csrf_token once."
		said.Answer = problem(http.StatusBadRequest, "request_malformed", detail, remedy, requestID(ctx))
		return said, nil
	}
	needed := &v1.Requirements{Csrf: v1.CsrfRequirement_CSRF_REQUIREMENT_REQUIRED}
	denied := v1.DeniedReason_DENIED_REASON_UNSPECIFIED
	found, _ := a.presented(q.Cookies)
	switch {
	case a.isForeign(q.Context):
		denied = v1.DeniedReason_DENIED_REASON_ORIGIN_REFUSED
		found = &session{info: &v1.SessionInfo{}, identity: &v1.Identity{}}
	case found != nil:
		_, denied = a.judge(found, needed, context)
	}
	if denied != v1.DeniedReason_DENIED_REASON_UNSPECIFIED {
		question := &v1.ValidateSessionRequest{Context: q.Context, Requirements: needed}
		said.Answer = a.denied(found, denied, question, requestID(ctx)).Answer
		return said, nil
	}
	if found != nil {
		a.end(found, v1.InactiveReason_INACTIVE_REASON_REVOKED)
		said.RevokedCount = 1
	}
	if isNavigation(q.Context) {
		said.Answer = redirect(http.StatusSeeOther, returnTo)
	} else {
		said.Answer = jsonAnswer(http.StatusOK, map[string]string{"message": "Logged out successfully"})
	}
	for _, cookie := range q.Cookies {
		if cleared := a.setCookie(cookie.Name, "", -1); cookie.Name == a.settings.SessionCookieNames[0] {
			said.Answer.SetCookies = []string{cleared}
		}
	}
	return said, nil
}

// withTokenOf adds the token of a form that can set no header.
func withTokenOf(form []byte, context *v1.RequestContext) (*v1.RequestContext, bool) {
	values, err := url.ParseQuery(string(form))
	tokens := values["csrf_token"]
	if err != nil || len(tokens) > 1 {
		return nil, false
	}
	if len(tokens) == 0 || context.GetCsrfToken() != nil {
		return context, true
	}
	with := proto.CloneOf(context)
	with.CsrfToken = []byte(tokens[0])
	return with, true
}

// CompleteLogout knows no state, since there is no provider to come back from.
func (a loginService) CompleteLogout(
	ctx context.Context, _ *v1.CompleteLogoutRequest,
) (*v1.CompleteLogoutResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	remedy := "You are logged out. This page was reached without a logout begun here."
	said := problem(http.StatusBadRequest, "state_invalid", "Invalid state parameter", remedy, requestID(ctx))
	return &v1.CompleteLogoutResponse{Answer: said, SettingsVersion: a.settings.Version}, nil
}

// returnPlace reads redirect_uri, which has to be a path of the application's own.
func (a *Authority) returnPlace(query []byte, usual string) (string, bool) {
	values, err := url.ParseQuery(string(query))
	place := values.Get("redirect_uri")
	switch {
	case err != nil:
		return "", false
	case place == "":
		return usual, true
	}
	return place, strings.HasPrefix(place, "/") && !strings.HasPrefix(place, "//") && !strings.ContainsAny(place, "\\\r\n\t")
}

func notAllowed(ctx context.Context) *v1.HttpAnswer {
	detail, remedy := "This redirect_uri is not allowed", "Use a path of the application."
	return problem(http.StatusBadRequest, "redirect_not_allowed", detail, remedy, requestID(ctx))
}
