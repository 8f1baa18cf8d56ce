package gatelodge

import (
	"context"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A route of the contract.
type route struct {
	path    string
	set     v1.RouteSet
	methods []string
	pass    pass
}

const callbackPath = "/auth/web/callback"

// HEAD is no way to begin or complete a login: link checkers and previews send it, and it would spend the state.
var routes = []*route{
	{"/auth/web/login", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodGet}, login},
	{callbackPath, v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodGet, http.MethodPost}, callback},
	{"/auth/me", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodGet, http.MethodHead}, me},
	{"/auth/web/logout", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodPost}, logout},
	{"/auth/web/logged-out", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodGet}, loggedOut},
	{"/auth/web/backchannel-logout", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodPost}, backchannelLogout},
	{"/auth/web/frontchannel-logout", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodGet}, frontchannelLogout},
	{"/auth/web/refresh", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodPost}, refresh},
	{"/auth/web/userinfo", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodGet, http.MethodHead, http.MethodPost}, userInfo},
	{"/auth/web/sessions", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodGet, http.MethodHead}, sessions},
	{"/auth/web/sessions/revoke", v1.RouteSet_ROUTE_SET_WEB, []string{http.MethodPost}, revokeSessions},
}

// allow is the value of Allow.
func (r *route) allow() string {
	return strings.Join(append(r.methods[:len(r.methods):len(r.methods)], "OPTIONS"), ", ")
}

// changes says whether a request by this method changes or ends something. Where HEAD is taken, GET only asks.
func (r *route) changes(method string) bool {
	return method == http.MethodPost || !slices.Contains(r.methods, http.MethodHead)
}

func login(ctx context.Context, r *request) (*response, error) {
	done, err := r.gate.client.login.StartLogin(ctx, &v1.StartLoginRequest{
		RouteSet: r.set, Query: r.query(), Cookies: r.cookies(), Context: r.context(),
	})
	return copied(r, done, err)
}

func callback(ctx context.Context, r *request) (*response, error) {
	question := &v1.CompleteCallbackRequest{RouteSet: r.set, Cookies: r.cookies(), Context: r.context()}
	if r.Method != http.MethodPost {
		question.Response = &v1.CompleteCallbackRequest_Query{Query: r.query()}
	} else if sent, isJSON, err := r.body(); err != nil {
		return r.asker.withoutBody(err), nil
	} else if isJSON {
		question.Response = &v1.CompleteCallbackRequest_Json{Json: sent}
	} else {
		question.Response = &v1.CompleteCallbackRequest_Form{Form: sent}
	}
	done, err := r.gate.client.login.CompleteCallback(ctx, question)
	return copied(r, done, err)
}

func logout(ctx context.Context, r *request) (*response, error) {
	form, err := body(r.writer, r.Request, r.settings, formKind)
	if err != nil {
		return r.asker.withoutBody(err), nil
	}
	done, err := r.gate.client.login.StartLogout(ctx, &v1.StartLogoutRequest{
		RouteSet: r.set, Query: r.query(), Cookies: r.cookies(), Context: r.context(), Form: form,
	})
	return copied(r, done, err)
}

func loggedOut(ctx context.Context, r *request) (*response, error) {
	done, err := r.gate.client.login.CompleteLogout(ctx, &v1.CompleteLogoutRequest{
		RouteSet: r.set, Query: r.query(), Cookies: r.cookies(), Context: r.context(),
	})
	return copied(r, done, err)
}

// backchannelLogout is asked by a provider's server, which has no cookies.
func backchannelLogout(ctx context.Context, r *request) (*response, error) {
	form, err := body(r.writer, r.Request, r.settings, formKind)
	if err != nil {
		return r.asker.withoutBody(err), nil
	}
	done, err := r.gate.client.login.HandleBackchannelLogout(ctx, &v1.HandleBackchannelLogoutRequest{
		RouteSet: r.set, Form: form, Context: r.context(),
	})
	return copied(r, done, err)
}

// frontchannelLogout is the one GET that ends a session: a page of the provider's logout has the browser ask, in a frame.
func frontchannelLogout(ctx context.Context, r *request) (*response, error) {
	done, err := r.gate.client.login.HandleFrontchannelLogout(ctx, &v1.HandleFrontchannelLogoutRequest{
		RouteSet: r.set, Query: r.query(), Context: r.context(),
	})
	return copied(r, done, err)
}

func refresh(ctx context.Context, r *request) (*response, error) {
	done, err := r.gate.client.sessions.RefreshTokens(ctx, &v1.RefreshTokensRequest{
		Cookies: sessionCookies(r.Header, r.settings), Context: r.context(),
	})
	return copiedAnswer(r, done, err)
}

// userInfo asks the provider only for a POST, which no other site can make a browser send.
func userInfo(ctx context.Context, r *request) (*response, error) {
	done, err := r.gate.client.sessions.GetUserInfo(ctx, &v1.GetUserInfoRequest{
		Cookies: sessionCookies(r.Header, r.settings), Context: r.context(), Refresh: r.Method == http.MethodPost,
	})
	return copiedAnswer(r, done, err)
}

func sessions(ctx context.Context, r *request) (*response, error) {
	done, err := r.gate.client.sessions.ListUserSessions(ctx, &v1.ListUserSessionsRequest{
		Cookies: sessionCookies(r.Header, r.settings), Context: r.context(), Query: r.query(),
	})
	return copiedAnswer(r, done, err)
}

func revokeSessions(ctx context.Context, r *request) (*response, error) {
	question := &v1.SessionServiceRevokeRequest{Cookies: sessionCookies(r.Header, r.settings), Context: r.context()}
	sent, isJSON, err := r.body()
	switch {
	case err != nil:
		return r.asker.withoutBody(err), nil
	case isJSON:
		question.Target = &v1.SessionServiceRevokeRequest_Json{Json: sent}
	default:
		question.Target = &v1.SessionServiceRevokeRequest_Form{Form: sent}
	}
	done, err := r.gate.client.sessions.Revoke(ctx, question)
	return copiedAnswer(r, done, err)
}

// body returns what came as JSON, or as a form: an empty one for a body of another kind, which stays unread.
func (r *request) body() (sent []byte, isJSON bool, err error) {
	if isOfKind(r.Header["Content-Type"], jsonKind) {
		sent, err = body(r.writer, r.Request, r.settings, jsonKind)
		return sent, true, err
	}
	sent, err = body(r.writer, r.Request, r.settings, formKind)
	return sent, false, err
}

func (r *request) query() []byte               { return query(r.Request, r.settings) }
func (r *request) cookies() []*v1.Cookie       { return loginCookies(r.Header, r.settings) }
func (r *request) context() *v1.RequestContext { return requestContext(r.Request, r.settings) }

// finished is what every answer of LoginService to a browser's request has.
type finished interface {
	GetAnswer() *v1.HttpAnswer
	GetSettingsVersion() string
}

func copied(r *request, done finished, err error) (*response, error) {
	if err != nil {
		return nil, err
	}
	r.gate.sawVersion(done.GetSettingsVersion())
	return r.asker.copy(done.GetAnswer()), nil
}

// copiedAnswer is copied for the calls of SessionService, which name no settings.
func copiedAnswer(r *request, done interface{ GetAnswer() *v1.HttpAnswer }, err error) (*response, error) {
	if err != nil {
		return nil, err
	}
	return r.asker.copy(done.GetAnswer()), nil
}

// me says who is logged in: the one answer that an edge writes.
func me(ctx context.Context, r *request) (*response, error) {
	verdict, err := r.gate.sessions.Check(ctx, &v1.ValidateSessionRequest{
		Cookies:        sessionCookies(r.Header, r.settings),
		Context:        r.context(),
		CanSetCookies:  true,
		IssueCsrfToken: true,
		AnswerJson:     true,
	})
	if err != nil {
		return nil, err
	}
	r.gate.sawVersion(verdict.SettingsVersion)
	switch {
	case verdict.Denied != nil:
		return r.asker.forbidden(verdict.Denied.GetAnswer()), nil
	case verdict.Session == nil:
		return r.asker.notSignedIn(verdict.Inactive.GetAnswer()), nil
	}
	if err := canDeliver(verdict); err != nil {
		return nil, err
	}
	answer := r.asker.json(http.StatusOK, struct {
		UserID    string  `json:"user_id"`
		Email     *string `json:"email"`
		Name      *string `json:"name"`
		Provider  string  `json:"provider"`
		CSRFToken *string `json:"csrf_token"`
	}{
		verdict.Session.UserID, given(verdict.Session.Email), given(verdict.Session.Name), verdict.Session.Provider,
		given(verdict.CSRFToken),
	})
	if verdict.CSRFToken != "" {
		answer.header.Set(r.settings.csrfHeader, verdict.CSRFToken)
	}
	for _, cookie := range verdict.SetCookies {
		answer.header.Add("Set-Cookie", cookie)
	}
	return answer, nil
}

// given is nil for what the provider did not give.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
