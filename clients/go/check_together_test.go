package gatelodge

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

func TestAHundredWhoAskAtOnceAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		w.tell(told(2, v1.SessionEventKind_SESSION_EVENT_KIND_USER_REVOKED))
		before := len(w.called(validate))
		release := make(chan struct{})
		w.say(validate, func(context.Context) error { <-release; return fails(codes.Internal, ErrInternal) })
		var asking sync.WaitGroup
		for range 100 {
			asking.Go(func() {
				if _, err := w.client.Check(t.Context(), presenting("a")); !errors.Is(err, ErrInternal) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(release)
		asking.Wait()
		if asked := len(w.called(validate)) - before; asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestWhoGoesAwayLeavesTheQuestionToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		w.tell(told(2, v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED))
		w.say(validate, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, keepable(2))
		before := len(w.called(validate))
		ctx, leave := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := w.client.Check(ctx, presenting("a")); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		for range 10 {
			asking.Go(func() {
				if _, err := w.client.Check(t.Context(), presenting("a")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		leave()
		asking.Wait()
		if asked := len(w.called(validate)) - before; asked != 2 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestWhereOneRequestIsSentIsToldToNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		w.tell(told(2, v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED))
		before := len(w.called(validate))
		// No session: the answer sends a browser to the login, and back to the page that it wanted.
		w.say(validate, func(q *v1.ValidateSessionRequest) *v1.ValidateSessionResponse {
			time.Sleep(time.Millisecond)
			return inactive(6, &v1.HttpAnswer{Location: "/login?redirect_uri=" + string(q.Context.Target)})
		})
		var asking sync.WaitGroup
		for _, page := range []string{"/a", "/b", "/c"} {
			asking.Go(func() {
				question := presenting("a")
				question.Context.Target = []byte(page)
				verdict, err := w.client.Check(t.Context(), question)
				if err != nil || verdict.Inactive.GetAnswer().GetLocation() != "/login?redirect_uri="+page {
					t.Error(verdict, err)
				}
			})
		}
		asking.Wait()
		if asked := len(w.called(validate)) - before; asked != 3 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestWhoWaitsForAnotherWaitsNoLongerThanForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		w.tell(told(2, v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED))
		w.say(validate, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		var asking sync.WaitGroup
		for range 3 {
			asking.Go(func() {
				began := time.Now()
				_, err := w.client.Check(t.Context(), presenting("a"))
				if took := time.Since(began); !errors.Is(err, ErrDeadlineExceeded) || took > 2*time.Second {
					t.Errorf("%v after %v", err, took)
				}
			})
		}
		asking.Wait()
	})
}

func TestWhoeverHasMoreTimeIsNotToldThatItIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		w.tell(told(2, v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED))
		w.say(validate, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, keepable(2))
		hurried, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := w.client.Check(hurried, presenting("a")); !errors.Is(err, ErrDeadlineExceeded) {
				t.Error(err)
			}
		})
		synctest.Wait()
		asking.Go(func() {
			if _, err := w.client.Check(t.Context(), presenting("a")); err != nil {
				t.Error(err)
			}
		})
		asking.Wait()
	})
}
