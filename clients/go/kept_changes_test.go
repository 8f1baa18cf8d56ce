package gatelodge

import (
	"context"
	"hash/maphash"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

func TestWhatThisClientChangesIsAskedAboutAtOnce(t *testing.T) {
	cookies := presenting("a").Cookies
	for name, change := range map[string]func(ctx context.Context, c *Client) error{
		"a logout": func(ctx context.Context, c *Client) error {
			_, err := c.Login().StartLogout(ctx, &v1.StartLogoutRequest{Cookies: cookies})
			return err
		},
		"a logout that a provider's server tells of": func(ctx context.Context, c *Client) error {
			_, err := c.Login().HandleBackchannelLogout(ctx, &v1.HandleBackchannelLogoutRequest{})
			return err
		},
		"a logout that a provider's page tells of": func(ctx context.Context, c *Client) error {
			_, err := c.Login().HandleFrontchannelLogout(ctx, &v1.HandleFrontchannelLogoutRequest{})
			return err
		},
		"a logout from everywhere": func(ctx context.Context, c *Client) error {
			_, err := c.Login().StartLogout(ctx, &v1.StartLogoutRequest{Query: []byte("a=b&everywhere=true")})
			return err
		},
		"a login's end": func(ctx context.Context, c *Client) error {
			_, err := c.Login().CompleteCallback(ctx, &v1.CompleteCallbackRequest{Cookies: cookies})
			return err
		},
		"a refresh": func(ctx context.Context, c *Client) error {
			_, err := c.Sessions().RefreshTokens(ctx, &v1.RefreshTokensRequest{Cookies: cookies})
			return err
		},
		"user info": func(ctx context.Context, c *Client) error {
			_, err := c.Sessions().GetUserInfo(ctx, &v1.GetUserInfoRequest{Cookies: cookies, Refresh: true})
			return err
		},
		"another device": func(ctx context.Context, c *Client) error {
			target := &v1.SessionServiceRevokeRequest_Form{Form: []byte("end=sid_1")}
			_, err := c.Sessions().Revoke(ctx, &v1.SessionServiceRevokeRequest{Target: target})
			return err
		},
		"a session by its name": func(ctx context.Context, c *Client) error {
			target := &v1.SessionServiceRevokeRequest_SessionId{SessionId: "sid_1"}
			_, err := c.Sessions().Revoke(ctx, &v1.SessionServiceRevokeRequest{Target: target})
			return err
		},
		"somebody's logout": func(ctx context.Context, c *Client) error {
			_, err := c.Login().StartLogout(ctx, &v1.StartLogoutRequest{Cookies: presenting("b").Cookies})
			return err
		},
		"an admin": func(ctx context.Context, c *Client) error {
			_, err := c.Admin().DisableUser(ctx, &v1.DisableUserRequest{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watching(t)
				defer w.end()
				for name := range manners {
					if name != validate {
						w.say(name, fails(codes.Internal, ErrInternal))
					}
				}
				w.knowing()
				if err := change(t.Context(), w.client); err == nil {
					t.Fatal("it has an answer")
				}
				if w.knows() {
					t.Error("whatever came of it, it is asked about anew")
				}
			})
		})
	}
}

func TestALogoutForgetsAllUnlessTheAnswerSaysThatNoOtherSessionHasEnded(t *testing.T) {
	back := v1.LoginService_HandleBackchannelLogout_FullMethodName
	front := v1.LoginService_HandleFrontchannelLogout_FullMethodName
	logout := v1.LoginService_StartLogout_FullMethodName
	backSaid := func(count uint32) any { return &v1.HandleBackchannelLogoutResponse{RevokedCount: count} }
	frontSaid := func(count uint32) any { return &v1.HandleFrontchannelLogoutResponse{RevokedCount: count} }
	logoutSaid := func(count uint32) any { return &v1.StartLogoutResponse{RevokedCount: count} }
	away := fails(codes.Unavailable, ErrStoreUnavailable)
	for name, row := range map[string]struct {
		method  string
		answers []any
		query   string
		knows   bool
	}{
		"a server's, of none":                 {method: back, answers: []any{backSaid(0)}, knows: true},
		"a server's, of one":                  {method: back, answers: []any{backSaid(1)}},
		"a server's, whose answer was lost":   {method: back, answers: []any{away, backSaid(0)}},
		"a page's, of none":                   {method: front, answers: []any{frontSaid(0)}, knows: true},
		"a page's, of one":                    {method: front, answers: []any{frontSaid(1)}},
		"a page's, whose answer was lost":     {method: front, answers: []any{away, frontSaid(0)}},
		"somebody else's":                     {method: logout, answers: []any{logoutSaid(1)}, knows: true},
		"somebody else's, answer lost":        {method: logout, answers: []any{away, logoutSaid(0)}},
		"somebody else's, from everywhere":    {method: logout, answers: []any{logoutSaid(1)}, query: "everywhere=true"},
		"nobody's, from everywhere":           {method: logout, answers: []any{logoutSaid(0)}, query: "everywhere=true", knows: true},
		"somebody else's, that ended several": {method: logout, answers: []any{logoutSaid(2)}, query: "%65verywhere=true"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watching(t)
				defer w.end()
				w.knowing()
				w.say(row.method, row.answers...)
				var err error
				switch calls := w.client.Login(); row.method {
				case back:
					_, err = calls.HandleBackchannelLogout(t.Context(), &v1.HandleBackchannelLogoutRequest{})
				case front:
					_, err = calls.HandleFrontchannelLogout(t.Context(), &v1.HandleFrontchannelLogoutRequest{})
				default:
					question := &v1.StartLogoutRequest{Cookies: presenting("b").Cookies, Query: []byte(row.query)}
					_, err = calls.StartLogout(t.Context(), question)
				}
				if err != nil {
					t.Fatal(err)
				}
				if w.knows() != row.knows {
					t.Errorf("it is known still: %v", !row.knows)
				}
			})
		})
	}
}

func TestAFailureForgetsAllUnlessItSaysThatNothingWasDone(t *testing.T) {
	back := v1.LoginService_HandleBackchannelLogout_FullMethodName
	front := v1.LoginService_HandleFrontchannelLogout_FullMethodName
	logout, revoke := v1.LoginService_StartLogout_FullMethodName, v1.SessionService_Revoke_FullMethodName
	disable := v1.AdminService_DisableUser_FullMethodName
	ways := map[string]func(ctx context.Context, c *Client) error{
		back: func(ctx context.Context, c *Client) error {
			_, err := c.Login().HandleBackchannelLogout(ctx, &v1.HandleBackchannelLogoutRequest{})
			return err
		},
		front: func(ctx context.Context, c *Client) error {
			_, err := c.Login().HandleFrontchannelLogout(ctx, &v1.HandleFrontchannelLogoutRequest{})
			return err
		},
		logout: func(ctx context.Context, c *Client) error {
			_, err := c.Login().StartLogout(ctx, &v1.StartLogoutRequest{Cookies: presenting("b").Cookies})
			return err
		},
		revoke: func(ctx context.Context, c *Client) error {
			target := &v1.SessionServiceRevokeRequest_SessionId{SessionId: "sid_1"}
			_, err := c.Sessions().Revoke(ctx, &v1.SessionServiceRevokeRequest{Target: target})
			return err
		},
		disable: func(ctx context.Context, c *Client) error {
			_, err := c.Admin().DisableUser(ctx, &v1.DisableUserRequest{})
			return err
		},
	}
	told, all := []string{back, front}, []string{back, front, logout, revoke, disable}
	away := fails(codes.Unavailable, ErrStoreUnavailable)
	for name, row := range map[string]struct {
		of      []string
		answers []any
		knows   bool
	}{
		"a field that is wrong":         {all, []any{fails(codes.InvalidArgument, ErrInvalidField)}, true},
		"a wrong key":                   {all, []any{fails(codes.Unauthenticated, ErrCallerUnauthenticated)}, true},
		"a key that may not":            {all, []any{fails(codes.PermissionDenied, ErrCallerNotAllowed)}, true},
		"a state that does not let it":  {all, []any{fails(codes.FailedPrecondition, "")}, true},
		"an older authority":            {all, []any{fails(codes.Unimplemented, "")}, true},
		"an overload":                   {all, []any{fails(codes.ResourceExhausted, ErrOverloaded)}, true},
		"a limit of something between":  {all, []any{fails(codes.ResourceExhausted, "")}, false},
		"a provider that is away":       {told, []any{fails(codes.Unavailable, ErrProviderUnavailable)}, true},
		"a provider that may have been": {[]string{logout, revoke}, []any{fails(codes.Unavailable, ErrProviderUnavailable)}, false},
		"a fault":                       {all, []any{fails(codes.Internal, ErrInternal)}, false},
		"a deadline":                    {all, []any{fails(codes.DeadlineExceeded, "")}, false},
		"the second time a wrong field": {all, []any{away, fails(codes.InvalidArgument, ErrInvalidField)}, false},
	} {
		for _, method := range row.of {
			t.Run(name+" of "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := watching(t)
					defer w.end()
					w.client.kept.seed = seedThatTells("sid_1", "sid_2")
					w.knowing()
					w.say(method, row.answers...)
					if err := ways[method](t.Context(), w.client); err == nil {
						t.Fatal("it has an answer")
					}
					if w.knows() != row.knows {
						t.Errorf("it is known still: %v", !row.knows)
					}
				})
			})
		}
	}
}

func TestARevocationForgetsNoMoreThanItMayHaveEnded(t *testing.T) {
	revoke := v1.SessionService_Revoke_FullMethodName
	away := fails(codes.Unavailable, ErrStoreUnavailable)
	ended, none := &v1.SessionServiceRevokeResponse{RevokedCount: 1}, &v1.SessionServiceRevokeResponse{}
	nobody := &v1.SessionServiceRevokeResponse{Inactive: &v1.InactiveSession{}}
	forged := &v1.SessionServiceRevokeResponse{Denied: &v1.DeniedSession{}}
	form := &v1.SessionServiceRevokeRequest_Form{Form: []byte("end=all-others")}
	presented := &v1.SessionServiceRevokeRequest_PresentedSession{}
	named := func(id string) *v1.SessionServiceRevokeRequest {
		return &v1.SessionServiceRevokeRequest{Target: &v1.SessionServiceRevokeRequest_SessionId{SessionId: id}}
	}
	for name, row := range map[string]struct {
		question *v1.SessionServiceRevokeRequest
		answers  []any
		knows    bool
	}{
		"a form's":                     {question: &v1.SessionServiceRevokeRequest{Target: form}, answers: []any{ended}},
		"a form's, of nobody":          {question: &v1.SessionServiceRevokeRequest{Target: form}, answers: []any{nobody}, knows: true},
		"a form's, without a token":    {question: &v1.SessionServiceRevokeRequest{Target: form}, answers: []any{forged}, knows: true},
		"a form's, of nobody any more": {question: &v1.SessionServiceRevokeRequest{Target: form}, answers: []any{away, nobody}},
		"of the presented":             {question: &v1.SessionServiceRevokeRequest{Target: presented}, answers: []any{ended}, knows: true},
		"whose answer was lost":        {question: &v1.SessionServiceRevokeRequest{Target: presented}, answers: []any{away, ended}},
		"a form's, of nothing":         {question: &v1.SessionServiceRevokeRequest{Target: form}, answers: []any{none}, knows: true},
		"of this one":                  {question: named("sid_1"), answers: []any{ended}},
		"of this one, that had ended":  {question: named("sid_1"), answers: []any{none}, knows: true},
		"of another":                   {question: named("sid_2"), answers: []any{ended}, knows: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watching(t)
				defer w.end()
				w.client.kept.seed = seedThatTells("sid_1", "sid_2")
				w.knowing()
				w.say(revoke, row.answers...)
				row.question.Cookies = presenting("b").Cookies
				if _, err := w.client.Sessions().Revoke(t.Context(), row.question); err != nil {
					t.Fatal(err)
				}
				if w.knows() != row.knows {
					t.Errorf("it is known still: %v", !row.knows)
				}
			})
		})
	}
}

// seedThatTells is one by which these names share no place.
func seedThatTells(one, other string) maphash.Seed {
	for {
		k := newKept(1)
		if k.place(one) != k.place(other) && k.place("a") != k.place("b") {
			return k.seed
		}
	}
}

// The authority that is asked next may be another than the one that ended it.
func TestWhatThisClientEndedIsAskedAboutAsOfThen(t *testing.T) {
	position := []byte{7}
	for method, row := range map[string]struct {
		answer any
		call   func(ctx context.Context, c *Client) error
	}{
		v1.LoginService_StartLogout_FullMethodName: {
			&v1.StartLogoutResponse{RevokedCount: 1, EventPosition: position},
			func(ctx context.Context, c *Client) error {
				_, err := c.Login().StartLogout(ctx, &v1.StartLogoutRequest{})
				return err
			},
		},
		v1.LoginService_HandleBackchannelLogout_FullMethodName: {
			&v1.HandleBackchannelLogoutResponse{RevokedCount: 1, EventPosition: position},
			func(ctx context.Context, c *Client) error {
				_, err := c.Login().HandleBackchannelLogout(ctx, &v1.HandleBackchannelLogoutRequest{})
				return err
			},
		},
		v1.LoginService_HandleFrontchannelLogout_FullMethodName: {
			&v1.HandleFrontchannelLogoutResponse{RevokedCount: 1, EventPosition: position},
			func(ctx context.Context, c *Client) error {
				_, err := c.Login().HandleFrontchannelLogout(ctx, &v1.HandleFrontchannelLogoutRequest{})
				return err
			},
		},
		v1.SessionService_Revoke_FullMethodName: {
			&v1.SessionServiceRevokeResponse{RevokedCount: 1, EventPosition: position},
			func(ctx context.Context, c *Client) error {
				_, err := c.Sessions().Revoke(ctx, &v1.SessionServiceRevokeRequest{})
				return err
			},
		},
		v1.AdminService_Revoke_FullMethodName: {
			&v1.AdminServiceRevokeResponse{RevokedCount: 1, EventPosition: position},
			func(ctx context.Context, c *Client) error {
				_, err := c.Admin().Revoke(ctx, &v1.AdminServiceRevokeRequest{})
				return err
			},
		},
		v1.AdminService_DisableUser_FullMethodName: {
			&v1.DisableUserResponse{EventPosition: position},
			func(ctx context.Context, c *Client) error {
				_, err := c.Admin().DisableUser(ctx, &v1.DisableUserRequest{})
				return err
			},
		},
		v1.AdminService_DeleteUser_FullMethodName: {
			&v1.DeleteUserResponse{EventPosition: position},
			func(ctx context.Context, c *Client) error {
				_, err := c.Admin().DeleteUser(ctx, &v1.DeleteUserRequest{})
				return err
			},
		},
	} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watching(t)
				defer w.end()
				w.knowing()
				w.say(method, row.answer)
				if err := row.call(t.Context(), w.client); err != nil {
					t.Fatal(err)
				}
				if left := w.called(method)[0].timeLeft; left != 8*time.Second {
					t.Errorf("it may take %v", left)
				}
				w.client.kept.forgetAll()
				w.check()
				asked := w.called(validate)
				if as := asked[len(asked)-1].question.(*v1.ValidateSessionRequest).AsOfPosition; string(as) != "\x07" {
					t.Errorf("asked as of %q", as)
				}
				if w.knows() {
					t.Error("it rests on what was before the end")
				}
			})
		})
	}
}
