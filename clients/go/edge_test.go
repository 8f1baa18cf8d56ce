package gatelodge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

func redirectAnswer() *v1.HttpAnswer {
	return &v1.HttpAnswer{
		Status:     302,
		Location:   "https://idp.example/authorize?state=a%20b",
		SetCookies: []string{"__Host-login=x; Path=/; Secure", `other="y"; Path=/`},
		Headers:    []*v1.HttpHeader{{Name: "referrer-policy", Value: "same-origin"}},
	}
}

func pairs(cookies []*v1.Cookie) (got []string) {
	for _, cookie := range cookies {
		got = append(got, cookie.Name+"="+string(cookie.Value))
	}
	return got
}

func TestLoginPassesOnWhatCameAndCopiesTheWholeAnswer(t *testing.T) {
	s := withSettings()
	s.say(start, &v1.StartLoginResponse{Answer: redirectAnswer()})
	edge := s.edge(t)
	request := httptest.NewRequest("GET", "/auth/web/login?provider=google&redirect_uri=%2Fa&x=%ff;y", nil)
	request.Host = "app.example.com"
	request.RemoteAddr = "[::ffff:192.0.2.7]:1234"
	request.Header = http.Header{
		"Cookie": {"session=s; __Host-login=b; theme=dark"}, "Accept": {"text/html", "*/*"},
		"X-Forwarded-For": {"198.51.100.1", "198.51.100.2"}, "X-Request-Id": {"req-1"}, "Accept-Language": {""},
	}
	got := send(http.AllowQuerySemicolons(edge), request)

	header := got.Header()
	if got.Code != 302 || header.Get("Location") != redirectAnswer().Location {
		t.Errorf("%d %q", got.Code, header.Get("Location"))
	}
	if !slices.Equal(header["Set-Cookie"], redirectAnswer().SetCookies) {
		t.Errorf("%q", header["Set-Cookie"])
	}
	for name, value := range map[string]string{
		"Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "frame-ancestors 'none'", "Strict-Transport-Security": "max-age=31536000",
	} {
		if header.Get(name) != value { // security.md 66
			t.Errorf("%s: %q", name, header.Get(name))
		}
	}
	if !slices.Equal(header["Vary"], []string{"Cookie", "Origin"}) {
		t.Errorf("Vary: %q", header["Vary"])
	}

	call := s.called(start)[0]
	asked := call.question.(*v1.StartLoginRequest)
	if string(asked.Query) != "provider=google&redirect_uri=%2Fa&x=%ff;y" || asked.RouteSet != v1.RouteSet_ROUTE_SET_WEB {
		t.Errorf("%q", asked.Query)
	}
	if got := pairs(asked.Cookies); !slices.Equal(got, []string{"session=s", "__Host-login=b"}) {
		t.Errorf("%q", got)
	}
	context := asked.Context
	for what, pair := range map[string][2]string{
		"method": {string(context.Method), "GET"}, "target": {string(context.Target), request.RequestURI},
		"host": {string(context.Host), "app.example.com"}, "accept": {string(context.Accept), "text/html, */*"},
		"peer": {string(context.PeerAddress), "192.0.2.7"}, "forwarded": {string(context.XForwardedFor[1]), "198.51.100.2"},
		"request id": {strings.Join(call.metadata["x-request-id"], ","), "req-1"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, not %q", what, pair[0], pair[1])
		}
	}
	if context.UserAgent != nil || context.AcceptLanguage == nil {
		t.Error("what did not come is absent, and what came empty is empty")
	}
}

func TestEveryOtherRouteAsksItsOwnCall(t *testing.T) {
	s, ok := withSettings(), finishedAnswer(200, "{}")
	s.say(v1.LoginService_CompleteCallback_FullMethodName, &v1.CompleteCallbackResponse{Answer: ok})
	s.say(v1.LoginService_StartLogout_FullMethodName, &v1.StartLogoutResponse{Answer: ok})
	s.say(v1.LoginService_CompleteLogout_FullMethodName, &v1.CompleteLogoutResponse{Answer: ok})
	edge := s.edge(t)
	if got := get(edge, "/auth/web/callback?code=c&state=s"); got.Body.String() != "{}" {
		t.Error(got)
	}
	callback := s.called(v1.LoginService_CompleteCallback_FullMethodName)[0].question.(*v1.CompleteCallbackRequest)
	if string(callback.GetQuery()) != "code=c&state=s" {
		t.Errorf("%q", callback.GetQuery())
	}
	request := httptest.NewRequest("POST", "/auth/web/logout?redirect_uri=%2F", strings.NewReader("x"))
	request.Header.Set("X-CSRF-Token", "csrf_t")
	if got := send(edge, request); got.Header().Get("Cache-Control") != "no-store, private" {
		t.Error(got.Header())
	}
	logout := s.called(v1.LoginService_StartLogout_FullMethodName)[0].question.(*v1.StartLogoutRequest)
	if string(logout.Query) != "redirect_uri=%2F" || string(logout.Context.CsrfToken) != "csrf_t" {
		t.Error(logout)
	}
	if got := get(edge, "/auth/web/logged-out?state=s"); got.Code != 200 {
		t.Error(got)
	}
	back, front := v1.LoginService_HandleBackchannelLogout_FullMethodName, v1.LoginService_HandleFrontchannelLogout_FullMethodName
	s.say(back, &v1.HandleBackchannelLogoutResponse{Answer: ok})
	s.say(front, &v1.HandleFrontchannelLogoutResponse{Answer: ok})
	request = httptest.NewRequest("POST", "/auth/web/backchannel-logout", strings.NewReader("logout_token=%61+b"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := send(edge, request); got.Body.String() != "{}" {
		t.Error(got)
	}
	if told := s.called(back)[0].question.(*v1.HandleBackchannelLogoutRequest); string(told.Form) != "logout_token=%61+b" {
		t.Error(told)
	}
	if got := get(edge, "/auth/web/frontchannel-logout?iss=%2F&sid=s"); got.Body.String() != "{}" {
		t.Error(got)
	}
	if told := s.called(front)[0].question.(*v1.HandleFrontchannelLogoutRequest); string(told.Query) != "iss=%2F&sid=s" {
		t.Error(told)
	}
	if len(s.called(validate)) != 0 {
		t.Error("nobody has to be signed in for any of it")
	}
}

// Nobody makes a call fail by hanging up, and a logout that was clicked is not given up halfway.
func TestWhatChangesSomethingRunsToItsEndWhenTheBrowserHangsUp(t *testing.T) {
	s := withSettings()
	edge := s.edge(t)
	for method, row := range map[string]struct {
		request string
		ends    bool
	}{
		v1.LoginService_StartLogin_FullMethodName:               {"GET /auth/web/login", true},
		v1.LoginService_CompleteCallback_FullMethodName:         {"GET /auth/web/callback", true},
		v1.LoginService_StartLogout_FullMethodName:              {"POST /auth/web/logout", true},
		v1.LoginService_CompleteLogout_FullMethodName:           {"GET /auth/web/logged-out", true},
		v1.LoginService_HandleBackchannelLogout_FullMethodName:  {"POST /auth/web/backchannel-logout", true},
		v1.LoginService_HandleFrontchannelLogout_FullMethodName: {"GET /auth/web/frontchannel-logout", true},
		v1.SessionService_RefreshTokens_FullMethodName:          {"POST /auth/web/refresh", true},
		v1.SessionService_Revoke_FullMethodName:                 {"POST /auth/web/sessions/revoke", true},
		v1.SessionService_GetUserInfo_FullMethodName:            {"POST /auth/web/userinfo", true},
		v1.SessionService_ListUserSessions_FullMethodName:       {"GET /auth/web/sessions", false},
		validate: {"GET /auth/me", false},
	} {
		ctx, hangUp := context.WithCancel(t.Context())
		hangs := make(chan bool, 1)
		s.say(method, func(within context.Context) error {
			hangUp()
			hangs <- within.Err() != nil
			return fails(codes.Internal, ErrInternal)
		})
		verb, path, _ := strings.Cut(row.request, " ")
		send(edge, httptest.NewRequestWithContext(ctx, verb, path, nil))
		if isGivenUp := <-hangs; isGivenUp == row.ends {
			t.Errorf("%s is given up: %v", row.request, isGivenUp)
		}
	}
}

func TestMeSaysWhoWithAFreshToken(t *testing.T) {
	s := withSettings()
	s.say(validate, active(func(session *v1.ActiveSession) {
		session.CsrfToken, session.SetCookies = "csrf_t", []string{"session=new"}
	}))
	edge := s.edge(t)
	got := get(edge, "/auth/me")
	var body map[string]any
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	expected := map[string]any{
		"user_id": "google_1", "email": "ada@example.com", "name": nil, "provider": "google", "csrf_token": "csrf_t",
	}
	if got.Code != 200 || !reflect.DeepEqual(body, expected) || got.Header().Get("X-Csrf-Token") != "csrf_t" ||
		got.Header().Get("Set-Cookie") != "session=new" || got.Header().Get("Cache-Control") != "no-store" {
		t.Error(got.Code, body, got.Header())
	}
	asked := s.called(validate)[0].question.(*v1.ValidateSessionRequest)
	if !asked.IssueCsrfToken || !asked.CanSetCookies || !asked.AnswerJson {
		t.Error(asked)
	}
	head := send(edge, httptest.NewRequest("HEAD", "/auth/me", nil))
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(got.Body.Len()) {
		t.Error(head.Code, head.Header())
	}

	s.say(validate, inactive(99, finishedAnswer(401, `{"detail":"Not signed in"}`)), denied(99, nil), inactive(99, nil))
	for _, status := range []int{401, 403, 401} {
		if got := get(edge, "/auth/me"); got.Code != status {
			t.Errorf("%d, not %d", got.Code, status)
		}
	}
}

// contract.md 4: HEAD spends no login; nothing but the table's methods calls anything.
func TestOtherMethodsAre405AndCallNothing(t *testing.T) {
	s := withSettings()
	edge := s.edge(t)
	for path, allow := range map[string]string{
		"/auth/web/login": "GET, OPTIONS", "/auth/web/callback": "GET, POST, OPTIONS", "/auth/web/logged-out": "GET, OPTIONS",
		"/auth/me": "GET, HEAD, OPTIONS", "/auth/web/logout": "POST, OPTIONS", "/auth/web/refresh": "POST, OPTIONS",
		"/auth/web/userinfo": "GET, HEAD, POST, OPTIONS", "/auth/web/sessions": "GET, HEAD, OPTIONS",
		"/auth/web/sessions/revoke": "POST, OPTIONS", "/auth/web/backchannel-logout": "POST, OPTIONS",
		"/auth/web/frontchannel-logout": "GET, OPTIONS",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "BREW"} {
			if slices.Contains(strings.Split(allow, ", "), method) {
				continue
			}
			got := send(edge, httptest.NewRequest(method, path, nil))
			if got.Code != 405 || got.Header().Get("Allow") != allow || (got.Body.Len() == 0) != (method == "HEAD") {
				t.Errorf("%s %s: %d %v", method, path, got.Code, got.Header())
			}
		}
	}
	if len(s.calls) != 1 {
		t.Errorf("calls: %v", s.calls)
	}
}

func TestAMountPrefixMovesTheRoutesAndIsPartOfTheTarget(t *testing.T) {
	s := withSettings()
	s.say(start, &v1.StartLoginResponse{Answer: redirectAnswer()})
	edge := s.edge(t, WithMountPrefix("/app"))
	for path, status := range map[string]int{
		"/app/auth/web/login?a": 302, "/auth/web/login": 404, "/app/auth/web/login/": 404, "/app/auth/web/logi%6e": 404,
	} {
		if got := get(edge, path); got.Code != status {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := s.called(start)[0].question.(*v1.StartLoginRequest).Context.Target; string(got) != "/app/auth/web/login?a" {
		t.Errorf("%q", got)
	}
	for _, prefix := range []string{"/", "app", "/app/", "//a", "/{id}", "/a b", "/a?b", "/*rest", "/ä", "/.."} {
		if _, err := NewEdge(s.client(t), WithMountPrefix(prefix)); err == nil {
			t.Errorf("%q is no mount prefix", prefix)
		}
	}
}

func TestBytesArriveAsTheyCameOverASocket(t *testing.T) {
	s := withSettings()
	s.say(validate, active())
	server := httptest.NewServer(s.edge(t))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	raw := "GET http://a/auth/me?q=%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: \xfe\xff\r\n" +
		"Cookie: a=1; session=\xff\x80=\"q%20;session= two\u00a0 ;Session=no; xsession=no; session\r\n" +
		"Cookie: __Host-session=" + strings.Repeat("x", 10_000) + "; session=fourth\r\n\r\n"
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || got.StatusCode != 200 {
		t.Fatal(got, err)
	}
	_ = got.Body.Close()
	asked := s.called(validate)[0].question.(*v1.ValidateSessionRequest)
	first := []string{"session=\xff\x80=\"q%20", "session= two\u00a0", "__Host-session=" + strings.Repeat("x", 4097)}
	if cookies := pairs(asked.Cookies); !slices.Equal(cookies, first) {
		t.Errorf("the first three, an oversized one cut to one byte more than the limit: %.100q", cookies)
	}
	if !bytes.Equal(asked.Context.UserAgent, []byte("\xfe\xff")) || string(asked.Context.PeerAddress) != "127.0.0.1" {
		t.Error(asked.Context)
	}
	if string(asked.Context.Target) != "/auth/me?q=%00" {
		t.Errorf("%q", asked.Context.Target)
	}
}

func TestWhatIsTooLongIsCutAndWhatIsNoPeerIsLeftOut(t *testing.T) {
	s := withSettings()
	s.say(start, &v1.StartLoginResponse{Answer: redirectAnswer()})
	long := strings.Repeat("a", 300)
	request := httptest.NewRequest("GET", "/auth/web/login?"+long, nil)
	request.Header.Set("User-Agent", long)
	request.Header["X-Forwarded-For"] = slices.Repeat([]string{"o", "n"}, 50)
	request.Header["Forwarded"] = []string{"beginning", "b" + long}
	request.RemoteAddr = "203.0.113.9" // as a middleware that trusts forwarded headers leaves it
	send(s.edge(t), request)
	asked := s.called(start)[0].question.(*v1.StartLoginRequest)
	if len(asked.Query) != 201 || len(asked.Context.UserAgent) != 100 || len(asked.Context.XForwardedFor) != 64 {
		t.Error(len(asked.Query), len(asked.Context.UserAgent), len(asked.Context.XForwardedFor))
	}
	if ends := asked.Context.Forwarded; len(ends) != 1 || string(ends[0]) != long[:101] {
		t.Errorf("of what proxies append to, the end: %q", ends)
	}
	if asked.Context.PeerAddress != nil {
		t.Errorf("%q", asked.Context.PeerAddress)
	}
}

func TestAnErrorOfAnyCodeIsCouldNotSay(t *testing.T) {
	s := withSettings()
	edge := s.edge(t)
	logout := v1.LoginService_StartLogout_FullMethodName
	for _, code := range []codes.Code{
		codes.Unauthenticated, codes.PermissionDenied, codes.NotFound, codes.InvalidArgument, codes.Internal,
	} {
		for method, request := range map[string]*http.Request{
			validate: httptest.NewRequest("GET", "/auth/me", nil),
			start:    httptest.NewRequest("GET", "/auth/web/login", nil),
			logout:   httptest.NewRequest("POST", "/auth/web/logout", nil),
		} {
			s.say(method, fails(code, ""))
			assertCouldNotSay(t, send(edge, request))
		}
	}
	for wait, header := range map[time.Duration]string{
		6 * time.Second: "6", 6*time.Second + 1: "7", time.Millisecond: "1", 2500 * time.Millisecond: "3",
	} {
		s.say(start, fails(codes.ResourceExhausted, ErrOverloaded, retryAfter(wait)))
		if got := get(edge, "/auth/web/login").Header().Get("Retry-After"); got != header {
			t.Errorf("RetryInfo of %v: Retry-After %s", wait, got)
		}
	}
}

func TestOfAnAnswerThatIsNoHTTPNothingIsCopied(t *testing.T) {
	const split = "a\r\nSet-Cookie: evil=1"
	header := func(name, value string) func(*v1.HttpAnswer) {
		return func(a *v1.HttpAnswer) { a.Headers = []*v1.HttpHeader{{Name: name, Value: value}} }
	}
	s := withSettings()
	edge := s.edge(t)
	for i, spoil := range []func(*v1.HttpAnswer){
		func(a *v1.HttpAnswer) { a.Status = 0 },
		func(a *v1.HttpAnswer) { a.Status = 101 },
		func(a *v1.HttpAnswer) { a.Status = 600 },
		func(a *v1.HttpAnswer) { a.Location = split },
		func(a *v1.HttpAnswer) { a.ContentType = split },
		func(a *v1.HttpAnswer) { a.SetCookies = []string{"session=s", split} },
		header("x-a", split), header("x-a: b\r\nx-c", "d"), header("", "d"),
		header("content-length", "1"), header("Transfer-Encoding", "chunked"), header("connection", "x"),
	} {
		answer := finishedAnswer(200, "{}")
		answer.SetCookies = []string{"session=s"}
		spoil(answer)
		s.say(start, &v1.StartLoginResponse{Answer: answer})
		got := get(edge, "/auth/web/login")
		assertCouldNotSay(t, got)
		if t.Failed() {
			t.Fatalf("row %d", i)
		}
	}
	s.say(start, &v1.StartLoginResponse{})
	assertCouldNotSay(t, get(edge, "/auth/web/login"))
	s.say(validate, active(func(a *v1.ActiveSession) { a.CsrfToken = split }),
		active(func(a *v1.ActiveSession) { a.SetCookies = []string{split} }), &v1.ValidateSessionResponse{})
	for range 3 {
		assertCouldNotSay(t, get(edge, "/auth/me"))
	}
}

func TestABodyOfNoTypeIsGivenNone(t *testing.T) {
	s := withSettings()
	s.say(start, &v1.StartLoginResponse{Answer: &v1.HttpAnswer{Status: 200, Body: []byte("<html>")}})
	server := httptest.NewServer(s.edge(t))
	defer server.Close()
	got, err := http.Get(server.URL + "/auth/web/login")
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Body.Close()
	if kind, ok := got.Header["Content-Type"]; ok {
		t.Errorf("Content-Type: %q", kind)
	}
}

const allowed = "http://localhost:5173"

func TestAPreflightIsAnsweredFromTheSettingsAlone(t *testing.T) {
	s := withSettings()
	edge := s.edge(t)
	preflight := func(origin string) *httptest.ResponseRecorder {
		request := httptest.NewRequest("OPTIONS", "/auth/web/logout", nil)
		request.Header.Set("Origin", origin)
		request.Header.Set("Access-Control-Request-Method", "POST")
		return send(edge, request)
	}
	got := preflight(allowed)
	for name, value := range map[string]string{
		"Allow": "POST, OPTIONS", "Access-Control-Allow-Origin": allowed, "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "content-type, x-csrf-token",
		"Access-Control-Max-Age": "600",
	} {
		if got.Code != 204 || got.Header().Get(name) != value {
			t.Errorf("%d, %s: %q", got.Code, name, got.Header().Get(name))
		}
	}
	for _, refused := range []string{allowed[:len(allowed)-1] + "4", allowed + "/", "HTTP://localhost:5173", "null"} {
		for name := range preflight(refused).Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s is told %s", refused, name)
			}
		}
	}
	if len(s.calls) != 1 {
		t.Errorf("calls: %v", s.calls)
	}
}

func TestAnAllowedOriginMayReadTheAnswerAndNoOther(t *testing.T) {
	s := withSettings()
	s.say(validate, fails(codes.Internal, ErrInternal))
	edge := s.edge(t)
	for _, row := range []struct {
		origins []string
		shared  bool
	}{
		{[]string{allowed}, true}, {[]string{"http://evil"}, false}, {nil, false}, {[]string{allowed, "http://evil"}, false},
	} {
		request := httptest.NewRequest("GET", "/auth/me", nil)
		request.Header["Origin"] = row.origins
		got := send(edge, request)
		assertCouldNotSay(t, got)
		header := got.Header()
		if shared := header.Get("Access-Control-Allow-Origin") == allowed; shared != row.shared {
			t.Errorf("%q: %v", row.origins, header)
		}
		if row.shared && header.Get("Access-Control-Expose-Headers") != "x-csrf-token" ||
			header.Get("Access-Control-Allow-Methods") != "" || !slices.Contains(header["Vary"], "Origin") {
			t.Errorf("%q: %v", row.origins, header)
		}
	}
}
