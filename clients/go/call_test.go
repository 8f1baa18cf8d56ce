package gatelodge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

var question = &v1.ValidateSessionRequest{}

func TestEveryMethodOfTheContractHasItsManner(t *testing.T) {
	files := []protoreflect.FileDescriptor{
		v1.File_gatelodge_v1_admin_proto, v1.File_gatelodge_v1_login_proto, v1.File_gatelodge_v1_session_proto,
		v1.File_gatelodge_v1_token_proto,
	}
	for _, file := range files {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				if method.IsStreamingServer() || method.IsStreamingClient() {
					continue
				}
				if _, ok := manners[fmt.Sprintf("/%s/%s", service.FullName(), method.Name())]; !ok {
					t.Errorf("%s has no row", method.FullName())
				}
			}
		}
	}
}

// Of the page that the contract is written on, and of the code that was made of it: a reason that is new there, or gone,
// is noticed.
func TestEveryReasonOfTheContractHasItsConstant(t *testing.T) {
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	var ours, generated []string
	for _, found := range regexp.MustCompile(`Reason = "([A-Z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		ours = append(ours, found[1])
	}
	for number, name := range v1.ErrorReason_name {
		if number != 0 {
			generated = append(generated, strings.TrimPrefix(name, "ERROR_REASON_"))
		}
	}
	page, err := os.ReadFile("../../proto/REASONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ = bytes.Cut(page, []byte("## ErrorReason"))
	page, _, _ = bytes.Cut(page, []byte("\n## "))
	var written []string
	for _, found := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllSubmatch(page, -1) {
		written = append(written, string(found[1]))
	}
	slices.Sort(ours)
	slices.Sort(generated)
	slices.Sort(written)
	if len(written) < 20 || !slices.Equal(ours, written) || !slices.Equal(ours, generated) {
		t.Errorf("ours: %q\nthe page's: %q\ngenerated: %q", ours, written, generated)
	}
}

func TestKeyDeadlineAndRequestIDGoWithACall(t *testing.T) {
	s := &scripted{}
	s.say(validate, active())
	if _, err := s.client(t).Check(WithRequestID(t.Context(), "req-1"), question); err != nil {
		t.Fatal(err)
	}
	got := s.called(validate)[0]
	if key := got.metadata.Get("authorization"); len(key) != 1 || key[0] != "Bearer "+testKey {
		t.Errorf("authorization: %q", key)
	}
	if id := got.metadata.Get("x-request-id"); len(id) != 1 || id[0] != "req-1" {
		t.Errorf("x-request-id: %q", id)
	}
	if got.timeLeft <= time.Second || got.timeLeft > 2*time.Second {
		t.Errorf("the deadline is in %v", got.timeLeft)
	}
}

func TestASafeCallIsRepeatedNoSoonerThanAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		wait := 700 * time.Millisecond
		s.say(validate, fails(codes.Unavailable, ErrStoreUnavailable, retryAfter(wait)), fails(codes.Unavailable, ErrOverloaded), active())
		began := time.Now()
		if _, err := s.client(t).Check(t.Context(), question); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < wait || len(s.called(validate)) != 3 {
			t.Errorf("%d calls within %v", len(s.called(validate)), took)
		}
	})
}

func TestRepeatsGrowApartAndEndWithTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		s.say(validate, fails(codes.Unavailable, ErrStoreUnavailable))
		began := time.Now()
		_, err := s.client(t).Check(t.Context(), question)
		took, calls := time.Since(began), len(s.called(validate))
		// 50, 100, 200, 400, 800 ms, each shortened by up to a half, within 2 s.
		if !errors.Is(err, ErrStoreUnavailable) || took > 2*time.Second || calls < 5 || calls > 8 {
			t.Errorf("%d calls within %v: %v", calls, took, err)
		}
	})
}

func TestAnAuthorityThatIsNotThereIsAskedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		s.say(validate, fails(codes.Unavailable, ""))
		began := time.Now()
		_, err := s.client(t).Check(t.Context(), question)
		took, calls := time.Since(began), len(s.called(validate))
		if err == nil || calls != 2 || took < 250*time.Millisecond || took > 500*time.Millisecond {
			t.Errorf("%d calls within %v: %v", calls, took, err)
		}
	})
}

func TestOnlyUnavailableIsRepeatedAndOnlyWhereItIsSafe(t *testing.T) {
	s := &scripted{}
	client, ctx := s.client(t), t.Context()
	refresh := v1.SessionService_RefreshTokens_FullMethodName
	callback := v1.LoginService_CompleteCallback_FullMethodName
	s.say(validate, fails(codes.Internal, ErrInternal))
	s.say(start, fails(codes.Unavailable, ErrStoreUnavailable))
	s.say(callback, fails(codes.Unavailable, ErrStoreUnavailable))
	s.say(refresh, fails(codes.Unavailable, ErrProviderUnavailable))
	update := v1.SessionService_UpdateAttributes_FullMethodName
	s.say(update, fails(codes.Unavailable, ErrStoreUnavailable))
	_, err := client.Check(ctx, question)
	errs := []error{err}
	_, err = client.Login().StartLogin(ctx, &v1.StartLoginRequest{})
	errs = append(errs, err)
	_, err = client.Login().CompleteCallback(ctx, &v1.CompleteCallbackRequest{})
	errs = append(errs, err)
	_, err = client.Sessions().RefreshTokens(ctx, &v1.RefreshTokensRequest{})
	errs = append(errs, err)
	// A repeat of a change that was done would be told that somebody else has changed it.
	_, err = client.Sessions().UpdateAttributes(ctx, &v1.UpdateAttributesRequest{})
	errs = append(errs, err)
	for i, method := range []string{validate, start, callback, refresh, update} {
		if errs[i] == nil || len(s.called(method)) != 1 {
			t.Errorf("%s: %d calls, %v", method, len(s.called(method)), errs[i])
		}
	}
}

func TestALogoutThatAProviderTellsOfIsRepeatedOnceWithinEightSeconds(t *testing.T) {
	for method, ask := range map[string]func(ctx context.Context, c *Client) error{
		v1.LoginService_HandleBackchannelLogout_FullMethodName: func(ctx context.Context, c *Client) error {
			_, err := c.Login().HandleBackchannelLogout(ctx, &v1.HandleBackchannelLogoutRequest{})
			return err
		},
		v1.LoginService_HandleFrontchannelLogout_FullMethodName: func(ctx context.Context, c *Client) error {
			_, err := c.Login().HandleFrontchannelLogout(ctx, &v1.HandleFrontchannelLogoutRequest{})
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{}
			s.say(method, fails(codes.Unavailable, ErrStoreUnavailable))
			err := ask(t.Context(), s.client(t))
			calls := s.called(method)
			if !errors.Is(err, ErrStoreUnavailable) || len(calls) != 2 || calls[0].timeLeft != 8*time.Second {
				t.Errorf("%s: %d calls, %v", method, len(calls), err)
			}
			s.say(method, fails(codes.Unavailable, ErrProviderUnavailable))
			if err := ask(t.Context(), s.client(t)); err == nil || len(s.called(method)) != 3 {
				t.Errorf("%s: %d calls, %v", method, len(s.called(method)), err)
			}
		})
	}
}

func TestAnErrorCarriesReasonRequestAndFields(t *testing.T) {
	s := &scripted{}
	client := s.client(t, WithDeadline(20*time.Millisecond))
	s.say(validate, fails(codes.Unavailable, ErrStoreUnavailable))
	_, err := client.Check(t.Context(), question)
	failure, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, ErrStoreUnavailable) || errors.Is(err, ErrInternal) || !failure.Retryable() {
		t.Fatal(err)
	}
	if failure.RequestID != "req-9" || failure.Code != codes.Unavailable {
		t.Errorf("%+v", failure)
	}
	const shown = "gatelodge: as the script says (Unavailable, STORE_UNAVAILABLE, request req-9)"
	if err.Error() != shown {
		t.Errorf("%q", err)
	}
	if code := status.Code(err); code != codes.Unknown {
		t.Errorf("it must not pass for the status of whoever hands it on, but is %v", code)
	}

	list := v1.AdminService_ListSessions_FullMethodName
	bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "page_size", Description: "at most 200"},
	}}
	s.say(list, fails(codes.InvalidArgument, "FROM_THE_FUTURE", bad))
	_, err = client.Admin().ListSessions(t.Context(), &v1.ListSessionsRequest{})
	failure, _ = errors.AsType[*Error](err)
	if failure.Reason != "FROM_THE_FUTURE" || failure.Fields[0].Field != "page_size" || failure.Retryable() {
		t.Errorf("%+v", failure)
	}
}

func TestATokenForSomebodyElseIsNone(t *testing.T) {
	s := &scripted{}
	method := v1.SessionService_GetAccessToken_FullMethodName
	client := s.client(t)
	for _, row := range []struct {
		asked, given string
		isGood       bool
	}{{"", "", true}, {"api", "api", true}, {"api", "", false}, {"api", "web", false}, {"", "web", false}} {
		token := &v1.AccessToken{Value: "secret", Audience: row.given}
		s.say(method, &v1.GetAccessTokenResponse{Outcome: &v1.GetAccessTokenResponse_AccessToken{AccessToken: token}})
		answer, err := client.Sessions().GetAccessToken(t.Context(), &v1.GetAccessTokenRequest{Audience: row.asked})
		if (err == nil) != row.isGood || row.isGood != (answer.GetAccessToken().GetValue() == "secret") {
			t.Errorf("asked for %q, given for %q: %v", row.asked, row.given, err)
		}
	}
	nobody := &v1.GetAccessTokenResponse_Inactive{Inactive: &v1.InactiveSession{}}
	s.say(method, &v1.GetAccessTokenResponse{Outcome: nobody})
	if _, err := client.Sessions().GetAccessToken(t.Context(), &v1.GetAccessTokenRequest{Audience: "api"}); err != nil {
		t.Error(err)
	}
}

func TestAListByAFilterThatWasNotAppliedIsNone(t *testing.T) {
	s := &scripted{}
	client := s.client(t)
	since := timestamppb.New(time.Unix(1, 0))
	for name, row := range map[string]struct {
		asked   *v1.ListSessionsRequest
		applied *v1.SessionFilter
		isGood  bool
	}{
		"all":                  {&v1.ListSessionsRequest{PageSize: 7}, nil, true},
		"an old one":           {&v1.ListSessionsRequest{UserId: "u"}, nil, true},
		"one that was applied": {&v1.ListSessionsRequest{UserId: "u", Provider: "p"}, &v1.SessionFilter{UserId: "u", Provider: "p"}, true},
		"a time that was":      {&v1.ListSessionsRequest{CreatedAfter: since}, &v1.SessionFilter{CreatedAfter: since}, true},
		"one that was not":     {&v1.ListSessionsRequest{Provider: "p"}, nil, false},
		"a part of it":         {&v1.ListSessionsRequest{UserId: "u", Provider: "p"}, &v1.SessionFilter{UserId: "u"}, false},
		"another":              {&v1.ListSessionsRequest{ProviderSessionId: "a"}, &v1.SessionFilter{ProviderSessionId: "b"}, false},
		"a time that was not":  {&v1.ListSessionsRequest{CreatedBefore: since}, &v1.SessionFilter{}, false},
	} {
		s.say(v1.AdminService_ListSessions_FullMethodName, &v1.ListSessionsResponse{AppliedFilter: row.applied})
		if _, err := client.Admin().ListSessions(t.Context(), row.asked); (err == nil) != row.isGood {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatAnErrorIsAboutIsNamed(t *testing.T) {
	for err, setting := range map[error]string{
		fails(codes.PermissionDenied, ErrTenantUnknown):        EnvTenant,
		fails(codes.PermissionDenied, ErrCallerNotAllowed):     EnvAPIKey,
		fails(codes.Unauthenticated, ErrCallerUnauthenticated): EnvAPIKey,
		fails(codes.Internal, ErrInternal):                     "",
	} {
		s := &scripted{}
		s.say(validate, err)
		_, got := s.client(t).Check(t.Context(), question)
		for _, name := range []string{EnvTenant, EnvAPIKey, EnvAddress} {
			if strings.Contains(got.Error(), name) != (name == setting) {
				t.Errorf("%v: %v", name, got)
			}
		}
	}
}

func TestAServerThatIsNoAuthorityIsSaidToBeNone(t *testing.T) {
	for _, code := range []codes.Code{codes.Unknown, codes.Unimplemented, codes.Internal} {
		s := &scripted{}
		s.say(validate, status.Error(code, "404"))
		_, got := s.client(t).Check(t.Context(), question)
		if !strings.Contains(got.Error(), "is no authority: 404") {
			t.Errorf("%v: %v", code, got)
		}
	}
}

func TestNoAnswerInTimeIsDeadlineExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		never := func(ctx context.Context) error {
			<-ctx.Done()
			return status.FromContextError(ctx.Err()).Err()
		}
		s.say(validate, never)
		_, err := s.client(t).Check(t.Context(), question)
		if !errors.Is(err, ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		// An authority that gives up by its own clock says CANCELLED.
		s.say(validate, status.Error(codes.Canceled, "Timeout expired"))
		if _, err := s.client(t).Check(t.Context(), question); !errors.Is(err, ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		// A repeat that ran out of time says less than the failure that led to it.
		s.say(validate, fails(codes.Unavailable, ErrStoreUnavailable), never)
		if _, err := s.client(t).Check(t.Context(), question); !errors.Is(err, ErrStoreUnavailable) {
			t.Fatal(err)
		}
		// The caller's own context is the caller's own.
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		s.say(validate, never)
		if _, err := s.client(t).Check(ctx, question); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

func TestAnAuthorityThatIsAwayIsNamedAndTheClientRecoversByItself(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	client, err := NewClient(WithAddress("http://"+address), WithAPIKey(testKey))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	_, err = client.Check(t.Context(), question)
	failure, _ := errors.AsType[*Error](err)
	if failure == nil || failure.Code != codes.Unavailable || !strings.Contains(err.Error(), "http://"+address) ||
		!strings.Contains(err.Error(), EnvAddress) || !strings.Contains(err.Error(), "refused") {
		t.Fatal(err)
	}

	listener, err = net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	v1.RegisterSessionServiceServer(server, yesToAll{})
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	for range 5 { // the connection is tried anew within two seconds
		if _, err = client.Check(t.Context(), question); err == nil {
			return
		}
	}
	t.Fatal(err)
}

type yesToAll struct {
	v1.UnimplementedSessionServiceServer
}

func (yesToAll) ValidateSession(
	context.Context, *v1.ValidateSessionRequest,
) (*v1.ValidateSessionResponse, error) {
	return active(), nil
}

func TestACallAfterCloseSaysSo(t *testing.T) {
	client, err := NewClient(WithAddress("http://127.0.0.1:1"), WithAPIKey(testKey))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Check(t.Context(), question); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	if err := NewGate(client).Ready(t.Context()); err == nil {
		t.Error("a gate of a closed client gets ready")
	}
}

// yesAndNews is an authority whose answers are kept, and whose streams stay open.
type yesAndNews struct {
	v1.UnimplementedSessionServiceServer
	watching chan struct{}
}

func (yesAndNews) ValidateSession(context.Context, *v1.ValidateSessionRequest) (*v1.ValidateSessionResponse, error) {
	return keepable(1), nil
}

func (y yesAndNews) WatchSessions(_ *v1.WatchSessionsRequest, stream grpc.ServerStreamingServer[v1.WatchSessionsResponse]) error {
	err := stream.Send(told(1))
	y.watching <- struct{}{}
	<-stream.Context().Done()
	return err
}

func (yesAndNews) CheckSessions(stream checkStreamOfServer) error {
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	for {
		question, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := stream.Send(answered(question.Id)); err != nil {
			return err
		}
	}
}

type checkStreamOfServer = grpc.BidiStreamingServer[v1.CheckSessionsRequest, v1.CheckSessionsResponse]

func TestCloseLeavesNothingRunning(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	authority := yesAndNews{watching: make(chan struct{})}
	v1.RegisterSessionServiceServer(server, authority)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	before := runtime.NumGoroutine()
	for range 20 {
		client, err := NewClient(WithAddress("http://"+listener.Addr().String()), WithAPIKey(testKey))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewEdge(client); err != nil {
			t.Fatal(err)
		}
		var asking sync.WaitGroup
		for i := range 32 {
			asking.Go(func() {
				if _, err := client.Check(t.Context(), presenting(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		asking.Wait()
		<-authority.watching
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
		}
	}
}
