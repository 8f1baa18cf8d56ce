package gatelodge

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// watched is an authority that tells what happens, and a client that keeps its answers.
type watched struct {
	*testing.T
	*scripted
	client *Client
	news   chan any // *v1.WatchSessionsResponse or error

	mu    sync.Mutex
	begun []*v1.WatchSessionsRequest
}

func keepable(position byte) *v1.ValidateSessionResponse {
	return active(func(session *v1.ActiveSession) {
		session.EventPosition, session.KeepFor = []byte{position}, durationpb.New(5*time.Second)
	})
}

// watching is a client that knows a session, inside a bubble of time.
func watching(t *testing.T, opts ...Option) *watched {
	w := &watched{T: t, scripted: &scripted{}, news: make(chan any)}
	w.serve(watch, func(stream *scriptedStream) error {
		question := stream.ask()
		w.mu.Lock()
		w.begun = append(w.begun, question.(*v1.WatchSessionsRequest))
		w.mu.Unlock()
		for {
			select {
			case line := <-w.news:
				if err, ok := line.(error); ok {
					return err
				}
				stream.say(line)
			case <-stream.ctx.Done():
				return stream.ctx.Err()
			}
		}
	})
	w.say(validate, keepable(1))
	w.client = w.scripted.client(t, opts...)
	return w
}

func (w *watched) tell(line any) {
	w.news <- line
	synctest.Wait()
}

// knowing makes it know the session.
func (w *watched) knowing() {
	w.Helper()
	w.check()
	w.tell(told(1))
	w.check()
	if !w.knows() {
		w.Fatal("it is not known")
	}
}

func (w *watched) check() *Verdict {
	w.Helper()
	verdict, err := w.client.Check(w.Context(), presenting("a"))
	if err != nil {
		w.Fatal(err)
	}
	return verdict
}

// knows says whether a check is answered without asking.
func (w *watched) knows() bool {
	w.Helper()
	before := len(w.called(validate))
	w.check()
	return len(w.called(validate)) == before
}

func (w *watched) streams() []*v1.WatchSessionsRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.begun)
}

func (w *watched) end() { _ = w.client.Close() }

func TestASessionThatIsKnownIsNotAskedAboutUntilSomethingHappensToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		for range 10 {
			if !w.knows() {
				t.Fatal("it is asked about")
			}
		}
		if one, other := w.check(), w.check(); one != other {
			t.Error("a verdict that is kept is one")
		}
		w.say(validate, inactive(6, nil))
		w.tell(told(2, v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED))
		if w.check().Session != nil {
			t.Error("it has ended")
		}
		asked := w.called(validate)
		if heard := asked[len(asked)-1].question.(*v1.ValidateSessionRequest).AsOfPosition; string(heard) != "\x02" {
			t.Errorf("the authority is told what was heard: %q", heard)
		}
		if w.knows() {
			t.Error("a no is asked each time")
		}
		if len(w.streams()) != 1 {
			t.Errorf("%d streams", len(w.streams()))
		}
	})
}

func TestAnAnswerIsAskedForAgainWhenItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		for range 5 {
			time.Sleep(time.Second)
			w.tell(told(1))
		}
		if w.knows() { // so that its use is noticed, and its idle time extended
			t.Error("five seconds have passed")
		}
		if len(w.streams()) != 1 {
			t.Error("a stream that says something every second is whole")
		}
	})
}

func TestAStreamThatEndsIsBypassedAndGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		w.tell(fails(codes.Unavailable, ""))
		if w.knows() {
			t.Error("nobody vouches")
		}
		asked := w.called(validate)
		if heard := asked[len(asked)-1].question.(*v1.ValidateSessionRequest).AsOfPosition; len(heard) != 0 {
			t.Errorf("what was heard is not known to be all: %q", heard)
		}
		time.Sleep(firstWatchPause)
		synctest.Wait()
		if begun := w.streams(); len(begun) != 2 || string(begun[1].AfterPosition) != "\x01" {
			t.Fatal(begun)
		}
		w.tell(told(2))
		if !w.knows() {
			t.Error("nothing was missed")
		}
	})
}

func TestAStreamIsMadeAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		var refused atomic.Int64
		w.serve(watch, func(*scriptedStream) error {
			refused.Add(1)
			return fails(codes.Unauthenticated, ErrCallerUnauthenticated)
		})
		w.check()
		time.Sleep(time.Minute)
		synctest.Wait()
		if tried := refused.Load(); tried < 10 || tried > 30 {
			t.Errorf("tried %d times within a minute", tried)
		}
	})
}

// An authority that says one word and ends the stream is not asked for ever ten times a second.
func TestAWordIsNotEnoughForShortPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		var begun atomic.Int64
		w.serve(watch, func(stream *scriptedStream) error {
			begun.Add(1)
			stream.ask()
			stream.say(told(1))
			return fails(codes.Unavailable, ErrStreamEnded)
		})
		w.check()
		time.Sleep(time.Minute)
		synctest.Wait()
		if tried := begun.Load(); tried < 10 || tried > 30 {
			t.Errorf("%d streams within a minute", tried)
		}
	})
}

func TestASilentStreamIsBypassedAndMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		time.Sleep(silence)
		if w.knows() {
			t.Error("it is silent")
		}
		time.Sleep(silent)
		synctest.Wait()
		if len(w.streams()) != 2 {
			t.Errorf("%d streams", len(w.streams()))
		}
	})
}

// It watches one authority and asks another, which has heard less.
func TestAnAuthorityThatHasHeardLessIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		w.tell(told(9, v1.SessionEventKind_SESSION_EVENT_KIND_CHANGED))
		w.say(validate, keepable(8))
		if w.check(); w.knows() {
			t.Error("it had not heard of the change")
		}
		w.say(validate, keepable(9))
		if w.check(); !w.knows() {
			t.Error("it had heard of the change")
		}
	})
}

func TestWhatBelongsToOneCallIsAskedEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t)
		defer w.end()
		w.knowing()
		before := len(w.called(validate))
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-tenant-id", "other")
		for range 2 {
			if _, err := w.client.Check(ctx, presenting("a")); err != nil {
				t.Fatal(err)
			}
		}
		post := presenting("a")
		post.Context.Method = []byte("POST")
		if _, err := w.client.Check(t.Context(), post); err != nil {
			t.Fatal(err)
		}
		if asked := w.called(validate)[before:]; len(asked) != 3 || asked[0].metadata.Get("x-tenant-id")[0] != "other" {
			t.Error(asked)
		}
	})
}

func TestOneOptionTurnsItOff(t *testing.T) {
	for name, opts := range map[string][]Option{
		"code":        {WithKeepAnswers(0)},
		"environment": {fromVariables(func(name string) string { return map[string]string{EnvKeepAnswers: "0"}[name] }), WithAPIKey(testKey)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watching(t, opts...)
				defer w.end()
				for range 3 {
					w.check()
					synctest.Wait()
				}
				if len(w.called(validate)) != 3 || len(w.streams()) != 0 {
					t.Errorf("%d calls, %d streams", len(w.called(validate)), len(w.streams()))
				}
			})
		})
	}
}
