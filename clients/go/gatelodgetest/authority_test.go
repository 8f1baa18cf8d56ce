package gatelodgetest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
	"github.com/gatelodge/gatelodge/clients/go/internal/application"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
)

// start returns an authority and the application that tests/edges knows, in front of it.
func start(t *testing.T) (*gatelodgetest.Authority, http.Handler) {
	t.Helper()
	authority := gatelodgetest.NewAuthority()
	t.Cleanup(authority.Close)
	edge, err := gatelodge.NewEdge(authority.Client())
	if err != nil {
		t.Fatal(err)
	}
	wait.ForSettings(t, edge.Gate())
	return authority, application.New(edge, "")
}

func send(handler http.Handler, request *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func jsonOf(t *testing.T, answer *http.Response) map[string]any {
	t.Helper()
	body := map[string]any{}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatalf("no JSON: %v", err)
	}
	return body
}

func TestSomebodyWhoIsSignedInGetsInWithWhatTheyHave(t *testing.T) {
	authority, app := start(t)
	ada := authority.SignIn(gatelodgetest.Session{UserID: "google_1", Name: "Ada", Scopes: []string{"admin"}})
	bob := authority.SignIn(gatelodgetest.Session{UserID: "google_2", LoginTime: time.Now().Add(-time.Hour)})
	for _, row := range []struct {
		who    *gatelodgetest.SignedIn
		method string
		path   string
		status int
	}{
		{ada, "GET", "/private", 200}, {ada, "POST", "/private", 200}, {ada, "GET", "/scoped", 200},
		{ada, "GET", "/fresh", 200}, {bob, "GET", "/private", 200}, {bob, "GET", "/scoped", 403}, {bob, "GET", "/fresh", 403},
	} {
		request := httptest.NewRequest(row.method, row.path, nil)
		row.who.Sign(request)
		if got := send(app, request); got.StatusCode != row.status {
			t.Errorf("%s %s: %d, not %d", row.method, row.path, got.StatusCode, row.status)
		}
	}
	request := httptest.NewRequest("GET", "/auth/me", nil)
	ada.Sign(request)
	got := jsonOf(t, send(app, request))
	if got["user_id"] != "google_1" || got["name"] != "Ada" || got["email"] != nil || got["csrf_token"] != ada.CSRFToken {
		t.Errorf("/auth/me: %v", got)
	}
	ada.End()
	if got := jsonOf(t, send(app, request)); got["reason"] != "session_ended" {
		t.Errorf("an ended session: %v", got)
	}
}

func TestAPostNeedsItsTokenAndItsOrigin(t *testing.T) {
	authority, app := start(t)
	ada := authority.SignIn(gatelodgetest.Session{})
	request := httptest.NewRequest("POST", "/private", nil)
	request.AddCookie(ada.Cookie)
	if got := jsonOf(t, send(app, request)); got["reason"] != "csrf_mismatch" {
		t.Errorf("without a token: %v", got)
	}
	ada.Sign(request)
	request.Header.Set("Origin", "https://evil.example")
	if got := jsonOf(t, send(app, request)); got["reason"] != "origin_refused" {
		t.Errorf("from elsewhere: %v", got)
	}
}

func TestTroubleIsTheTestsToMake(t *testing.T) {
	authority, app := start(t)
	ada := authority.SignIn(gatelodgetest.Session{})
	status := func() int {
		request := httptest.NewRequest("GET", "/private", nil)
		ada.Sign(request)
		return send(app, request).StatusCode
	}
	for _, row := range []struct {
		name   string
		do     func()
		status int
	}{
		{"away", authority.Away, 503},
		{"slow", authority.Slow, 503},
		{"back", authority.Back, 200},
		{"denying", func() { authority.Deny(v1.DeniedReason_DENIED_REASON_SCOPE_MISSING) }, 403},
		{"no longer", func() { authority.Deny(v1.DeniedReason_DENIED_REASON_UNSPECIFIED) }, 200},
	} {
		row.do()
		if got := status(); got != row.status {
			t.Errorf("%s: %d, not %d", row.name, got, row.status)
		}
	}
}

func TestALoginThroughTheEdgesRoutesEndsInASession(t *testing.T) {
	authority, app := start(t)
	authority.LogsInNext(gatelodgetest.Session{UserID: "google_7"})
	cookies := map[string]*http.Cookie{}
	visit := func(method, target string) *http.Response {
		request := httptest.NewRequest(method, target, nil)
		request.Header.Set("Accept", "text/html")
		for _, cookie := range cookies {
			request.AddCookie(cookie)
		}
		got := send(app, request)
		for _, cookie := range got.Cookies() {
			cookies[cookie.Name] = cookie
		}
		return got
	}
	toLogin := visit("GET", "/private?a=b").Header.Get("Location")
	toCallback := visit("GET", toLogin).Header.Get("Location")
	back := visit("GET", strings.TrimPrefix(toCallback, gatelodgetest.BaseURL)).Header.Get("Location")
	if back != "/private?a=b" {
		t.Fatalf("the login led to %q", back)
	}
	if got := jsonOf(t, visit("GET", back)); got["user_id"] != "google_7" {
		t.Errorf("who is logged in: %v", got)
	}
}

func TestTheOtherCallsKnowTheSessionsToo(t *testing.T) {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	client, ctx := authority.Client(), t.Context()
	ada := authority.SignIn(gatelodgetest.Session{UserID: "google_1"})
	authority.SignIn(gatelodgetest.Session{UserID: "google_2"})
	cookies := []*v1.Cookie{{Name: ada.Cookie.Name, Value: []byte(ada.Cookie.Value)}}

	listed, err := client.Admin().ListSessions(ctx, &v1.ListSessionsRequest{})
	if err != nil || len(listed.Sessions) != 2 {
		t.Fatal(listed, err)
	}
	if _, err := client.Admin().GetSession(ctx, &v1.GetSessionRequest{SessionId: ada.SessionID}); err != nil {
		t.Fatal(err)
	}
	token, err := client.Sessions().GetAccessToken(ctx, &v1.GetAccessTokenRequest{Cookies: cookies})
	if err != nil || token.GetAccessToken().GetValue() != "access_google_1" {
		t.Fatal(token, err)
	}
	if got, err := client.Sessions().RefreshTokens(ctx, &v1.RefreshTokensRequest{Cookies: cookies}); got.GetRefreshed() == nil {
		t.Fatal(got, err)
	}
	set := &v1.UpdateAttributesRequest{Cookies: cookies, Set: map[string][]byte{"cart": []byte("7")}}
	if got, err := client.Sessions().UpdateAttributes(ctx, set); err != nil || got.GetAttributes().GetVersion() != 1 {
		t.Fatal(got, err)
	}
	if _, err := client.Sessions().UpdateAttributes(ctx, set); !errors.Is(err, gatelodge.ErrVersionConflict) {
		t.Fatal(err)
	}
	kept, err := client.Sessions().GetAttributes(ctx, &v1.GetAttributesRequest{Cookies: cookies})
	if err != nil || string(kept.GetAttributes().GetValues()["cart"]) != "7" {
		t.Fatal(kept, err)
	}
	presented := &v1.SessionServiceRevokeRequest_PresentedSession{PresentedSession: &v1.PresentedSession{}}
	ended, err := client.Sessions().Revoke(ctx, &v1.SessionServiceRevokeRequest{Cookies: cookies, Target: presented})
	if err != nil || ended.RevokedCount != 1 {
		t.Fatal(ended, err)
	}
	_, err = client.Admin().GetSession(ctx, &v1.GetSessionRequest{SessionId: ada.SessionID})
	if !errors.Is(err, gatelodge.ErrSessionNotFound) {
		t.Fatal(err)
	}
	preview := &v1.PreviewRevokeRequest{Target: &v1.PreviewRevokeRequest_Tenant{Tenant: &v1.WholeTenant{}}}
	if count, err := client.Admin().PreviewRevoke(ctx, preview); err != nil || count.Count != 1 {
		t.Fatal(count, err)
	}
	user := &v1.AdminServiceRevokeRequest_UserId{UserId: "google_2"}
	revoked, err := client.Admin().Revoke(ctx, &v1.AdminServiceRevokeRequest{Target: user})
	if err != nil || revoked.RevokedCount != 1 {
		t.Fatal(revoked, err)
	}
	told, err := client.Login().HandleBackchannelLogout(ctx, &v1.HandleBackchannelLogoutRequest{Form: []byte("logout_token=x")})
	if err != nil || told.Answer.Status != http.StatusBadRequest || told.RevokedCount != 0 {
		t.Fatal(told, err)
	}
	shown, err := client.Login().HandleFrontchannelLogout(ctx, &v1.HandleFrontchannelLogoutRequest{Query: []byte("iss=x&sid=y")})
	if err != nil || shown.Answer.Status != http.StatusBadRequest || shown.RevokedCount != 0 {
		t.Fatal(shown, err)
	}
	if serving, err := client.IsServing(ctx, ""); !serving {
		t.Fatal(err)
	}
	wrong := authority.Client(gatelodge.WithAPIKey("glk_wrong"))
	_, err = wrong.Login().ListProviders(ctx, &v1.LoginServiceListProvidersRequest{})
	if !errors.Is(err, gatelodge.ErrCallerUnauthenticated) || !strings.Contains(err.Error(), gatelodge.EnvAPIKey) {
		t.Fatal(err)
	}
}

func TestAnAdminListsAndEndsWhatIsNamedAndNoMore(t *testing.T) {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	admin, ctx := authority.Client().Admin(), t.Context()
	authority.SignIn(gatelodgetest.Session{UserID: "google_1", Provider: "google", ProviderSession: "s1"})
	authority.SignIn(gatelodgetest.Session{UserID: "google_1", Provider: "google"})
	authority.SignIn(gatelodgetest.Session{UserID: "github_1", Provider: "github", ProviderSession: "s1"})
	then := timestamppb.New(time.Now().Add(-time.Hour))
	for _, row := range []struct {
		filter *v1.ListSessionsRequest
		many   int
	}{
		{&v1.ListSessionsRequest{UserId: "google_1"}, 2},
		{&v1.ListSessionsRequest{Provider: "github"}, 1},
		{&v1.ListSessionsRequest{Provider: "google", ProviderSessionId: "s1"}, 1},
		{&v1.ListSessionsRequest{CreatedBefore: then}, 0},
		{&v1.ListSessionsRequest{CreatedAfter: then}, 3},
	} {
		if got, err := admin.ListSessions(ctx, row.filter); err != nil || len(got.Sessions) != row.many {
			t.Error(row.filter, got, err)
		}
	}
	own := &v1.ProviderSession{Provider: "google", ProviderSessionId: "s1"}
	target := &v1.AdminServiceRevokeRequest_ProviderSession{ProviderSession: own}
	if got, err := admin.Revoke(ctx, &v1.AdminServiceRevokeRequest{Target: target}); err != nil || got.RevokedCount != 1 {
		t.Error(got, err)
	}
	if got, err := admin.DisableUser(ctx, &v1.DisableUserRequest{UserId: "google_1"}); err != nil || got.RevokedCount != 1 {
		t.Error(got, err)
	}
	state := func(id string) v1.UserState {
		got, err := admin.GetUser(ctx, &v1.GetUserRequest{UserId: id})
		if err != nil {
			t.Error(err)
		}
		return got.GetUser().GetState()
	}
	if got := state("google_1"); got != v1.UserState_USER_STATE_DISABLED {
		t.Error(got)
	}
	if _, err := admin.EnableUser(ctx, &v1.EnableUserRequest{UserId: "google_1"}); err != nil {
		t.Error(err)
	}
	if got := state("google_1"); got != v1.UserState_USER_STATE_ACTIVE {
		t.Error(got)
	}
	if got, err := admin.DeleteUser(ctx, &v1.DeleteUserRequest{UserId: "github_1"}); err != nil || got.RevokedCount != 1 {
		t.Error(got, err)
	}
	if got := state("github_1"); got != v1.UserState_USER_STATE_DELETED {
		t.Error(got)
	}
	if got, err := admin.ListUsers(ctx, &v1.ListUsersRequest{}); err != nil || len(got.Users) != 1 {
		t.Error(got, err)
	}
	if _, err := admin.GetUser(ctx, &v1.GetUserRequest{UserId: "google_9"}); !errors.Is(err, gatelodge.ErrUserNotFound) {
		t.Error(err)
	}
}

func TestAStreamOfChecksAnswersAsCallsDo(t *testing.T) {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	ada := authority.SignIn(gatelodgetest.Session{UserID: "google_1"})
	stream, err := authority.Client().Sessions().CheckSessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(id uint64, cookie string, csrf v1.CsrfRequirement) {
		question := &v1.ValidateSessionRequest{
			Cookies:      []*v1.Cookie{{Name: ada.Cookie.Name, Value: []byte(cookie)}},
			Requirements: &v1.Requirements{Csrf: csrf},
		}
		if err := stream.Send(&v1.CheckSessionsRequest{Id: id, Question: question, RequestId: fmt.Sprint("req-", id)}); err != nil {
			t.Error(err)
		}
	}
	byMethod, required := v1.CsrfRequirement_CSRF_REQUIREMENT_UNSPECIFIED, v1.CsrfRequirement_CSRF_REQUIREMENT_REQUIRED
	ask(1, ada.Cookie.Value, byMethod)
	ask(2, "x", byMethod)
	ask(3, ada.Cookie.Value, required)
	for id := uint64(1); id <= 3; id++ {
		said, err := stream.Recv()
		if err != nil || said.Id != id {
			t.Fatal(said, err)
		}
		isAsExpected := [...]bool{
			said.GetAnswer().GetActive().GetIdentity().GetUserId() == "google_1",
			said.GetAnswer().GetInactive() != nil,
			said.GetError().GetReason() == string(gatelodge.ErrContextRequired) && said.GetError().RequestId == "req-3",
		}
		if !isAsExpected[id-1] {
			t.Error(said)
		}
	}
	authority.Away()
	ask(4, ada.Cookie.Value, byMethod)
	var failure *gatelodge.Error
	if said, err := stream.Recv(); !errors.As(err, &failure) || failure.Code != codes.Unavailable {
		t.Error(said, err)
	}
}

func TestEveryMethodOfTheContractIsAnswered(t *testing.T) {
	authority := gatelodgetest.NewAuthority()
	defer authority.Close()
	for _, service := range []grpc.ServiceDesc{
		v1.LoginService_ServiceDesc, v1.SessionService_ServiceDesc, v1.TokenService_ServiceDesc, v1.AdminService_ServiceDesc,
	} {
		for _, method := range service.Methods {
			name := "/" + service.ServiceName + "/" + method.MethodName
			with := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+gatelodgetest.APIKey)
			err := authority.Conn().Invoke(with, name, &emptypb.Empty{}, &emptypb.Empty{})
			if status.Code(err) == codes.Unimplemented {
				t.Error(err)
			}
		}
	}
}

func TestClientsThatKeepAnswersHearWhatHappens(t *testing.T) {
	ctx := t.Context()
	for name, change := range map[string]func(authority *gatelodgetest.Authority, ada *gatelodgetest.SignedIn){
		"ended": func(_ *gatelodgetest.Authority, ada *gatelodgetest.SignedIn) { ada.End() },
		"denied": func(authority *gatelodgetest.Authority, _ *gatelodgetest.SignedIn) {
			authority.Deny(v1.DeniedReason_DENIED_REASON_SCOPE_MISSING)
		},
		"revoked by an admin": func(authority *gatelodgetest.Authority, ada *gatelodgetest.SignedIn) {
			target := &v1.AdminServiceRevokeRequest_SessionId{SessionId: ada.SessionID}
			if _, err := authority.Client().Admin().Revoke(ctx, &v1.AdminServiceRevokeRequest{Target: target}); err != nil {
				t.Error(err)
			}
		},
		"away": func(authority *gatelodgetest.Authority, _ *gatelodgetest.SignedIn) { authority.Away() },
		"slow": func(authority *gatelodgetest.Authority, _ *gatelodgetest.SignedIn) { authority.Slow() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authority := gatelodgetest.NewAuthority()
			defer authority.Close()
			client := authority.Client(gatelodge.WithKeepAnswers(10))
			ada := authority.SignIn(gatelodgetest.Session{})
			question := &v1.ValidateSessionRequest{Cookies: []*v1.Cookie{{Name: ada.Cookie.Name, Value: []byte(ada.Cookie.Value)}}}
			ask := func() *gatelodge.Verdict {
				verdict, _ := client.Check(ctx, question)
				return verdict
			}
			isYes := func() bool { verdict := ask(); return verdict != nil && verdict.Session != nil }
			isKept := func() bool { one, other := ask(), ask(); return isYes() && one == other } // it is given to all
			wait.Until(t, isKept)
			change(authority, ada)
			wait.Until(t, func() bool { return !isYes() })
		})
	}
}
