package gatelodge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A crowd asks at once, of an authority whose calls take a moment and whose streams a test serves. Inside a bubble of
// time.
type crowd struct {
	*testing.T
	*scripted
	client *Client
	opened atomic.Int64
}

func newCrowd(t *testing.T, stream func(*scriptedStream) error, opts ...Option) *crowd {
	c := &crowd{T: t, scripted: &scripted{}}
	c.serve(checkMany, func(one *scriptedStream) error {
		c.opened.Add(1)
		return stream(one)
	})
	c.say(validate, func(*v1.ValidateSessionRequest) *v1.ValidateSessionResponse {
		time.Sleep(time.Millisecond)
		return active()
	})
	c.client = c.scripted.client(t, append([]Option{WithKeepAnswers(0)}, opts...)...)
	return c
}

// ask lets so many ask at once, and returns what they got.
func (c *crowd) ask(many int) []error {
	errs := make([]error, many)
	var asking sync.WaitGroup
	for i := range many {
		asking.Go(func() {
			_, errs[i] = c.client.Check(WithRequestID(c.Context(), fmt.Sprint("req-", i)), presenting(fmt.Sprint(i)))
		})
	}
	asking.Wait()
	synctest.Wait()
	return errs
}

func (c *crowd) askWell(many int) {
	c.Helper()
	for _, err := range c.ask(many) {
		if err != nil {
			c.Error(err)
		}
	}
}

func (c *crowd) end() { _ = c.client.Close() }

func answered(id uint64) *v1.CheckSessionsResponse {
	return &v1.CheckSessionsResponse{Id: id, Result: &v1.CheckSessionsResponse_Answer{Answer: active()}}
}

// answersAll answers every question of a stream.
func answersAll(stream *scriptedStream) error {
	for {
		question, ok := stream.ask().(*v1.CheckSessionsRequest)
		if !ok {
			return nil
		}
		stream.say(answered(question.Id))
	}
}

func TestWhereManyAskAtOnceTheyShareAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var asked []*v1.CheckSessionsRequest
		c := newCrowd(t, func(stream *scriptedStream) error {
			for {
				question, ok := stream.ask().(*v1.CheckSessionsRequest)
				if !ok {
					return nil
				}
				mu.Lock()
				asked = append(asked, question)
				mu.Unlock()
				stream.say(answered(question.Id))
			}
		})
		defer c.end()
		if c.askWell(enoughChecks - 1); c.opened.Load() != 0 {
			t.Error("seven are too few")
		}
		c.askWell(enoughChecks)
		calls := len(c.called(validate))
		if c.opened.Load() != 1 || calls != 2*enoughChecks-1 {
			t.Errorf("nobody waits for the stream: %d calls, %d streams", calls, c.opened.Load())
		}
		c.askWell(1)
		if len(c.called(validate)) != calls || len(asked) != 1 {
			t.Fatalf("%d calls, %d by the stream", len(c.called(validate)), len(asked))
		}
		one := asked[0]
		if left := one.Timeout.AsDuration(); one.RequestId != "req-0" || left != 2*time.Second || !proto.Equal(one.Question, presenting("0")) {
			t.Error(one)
		}
		c.askWell(100)
		names := map[uint64]bool{}
		for _, one := range asked {
			names[one.Id] = true
		}
		if len(names) != 101 || c.opened.Load() != 1 {
			t.Errorf("%d ids, %d streams", len(names), c.opened.Load())
		}
		// Nobody asks anything: it is closed, and opened again when there is enough.
		time.Sleep(2 * quietFor)
		synctest.Wait()
		if c.askWell(1); len(c.called(validate)) != calls+1 {
			t.Error("a quiet stream is not closed")
		}
		if c.askWell(enoughChecks); c.opened.Load() != 2 {
			t.Errorf("%d streams", c.opened.Load())
		}
	})
}

func TestAnErrorOnAStreamIsThatOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := make(chan *v1.CheckSessionsResponse, 10)
		c := newCrowd(t, func(stream *scriptedStream) error {
			for {
				question, ok := stream.ask().(*v1.CheckSessionsRequest)
				if !ok {
					return nil
				}
				said := <-said
				said.Id = question.Id
				stream.say(said)
			}
		})
		defer c.end()
		c.askWell(enoughChecks)
		calls := len(c.called(validate))
		fails := func(err *v1.CheckError) *v1.CheckSessionsResponse {
			return &v1.CheckSessionsResponse{Result: &v1.CheckSessionsResponse_Error{Error: err}}
		}
		said <- fails(&v1.CheckError{
			Code: uint32(codes.InvalidArgument), Reason: "INVALID_FIELD", Message: "no", RequestId: "req-7",
			FieldViolations: []*v1.CheckFieldViolation{{Field: "cookies", Description: "at most 8"}},
		})
		failure, _ := errors.AsType[*Error](c.ask(1)[0])
		if failure == nil || failure.Reason != ErrInvalidField || failure.RequestID != "req-7" || failure.Fields[0].Field != "cookies" {
			t.Errorf("%+v", failure)
		}
		// It is repeated as a call is, no sooner than asked for.
		said <- fails(&v1.CheckError{Code: uint32(codes.Unavailable), Reason: "STORE_UNAVAILABLE", RetryAfter: durationpb.New(time.Second)})
		said <- answered(0)
		began := time.Now()
		if c.askWell(1); time.Since(began) < time.Second {
			t.Error("asked again too soon")
		}
		said <- fails(&v1.CheckError{Code: uint32(codes.DeadlineExceeded), Reason: "DEADLINE_EXCEEDED"})
		if err := c.ask(1)[0]; !errors.Is(err, ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		said <- &v1.CheckSessionsResponse{}
		if failure, _ := errors.AsType[*Error](c.ask(1)[0]); failure == nil || failure.Code != codes.Unknown {
			t.Errorf("what a newer authority says is not known: %v", failure)
		}
		if len(c.called(validate)) != calls {
			t.Errorf("%d calls", len(c.called(validate))-calls)
		}
	})
}

func TestAStreamThatEndsLosesNothing(t *testing.T) {
	for name, row := range map[string]struct {
		end    error
		lives  time.Duration
		rest   time.Duration // how long none is opened after it
		enough time.Duration // when one is opened again
	}{
		"the server stops":          {fails(codes.Unavailable, ErrStreamEnded), 2 * time.Second, 0, 0},
		"at once":                   {fails(codes.Unavailable, ErrStreamEnded), 0, 900 * time.Millisecond, 2 * time.Second},
		"without a word":            {io.EOF, 2 * time.Second, 0, 0},
		"the connection breaks":     {fails(codes.Unavailable, ""), 2 * time.Second, 900 * time.Millisecond, 2 * time.Second},
		"an authority of the past":  {fails(codes.Unimplemented, ErrMethodUnknown), 0, 50 * time.Second, 61 * time.Second},
		"a key that is not good":    {fails(codes.Unauthenticated, ErrCallerUnauthenticated), 0, 50 * time.Second, 61 * time.Second},
		"a role that may not do so": {fails(codes.PermissionDenied, ErrCallerNotAllowed), 0, 50 * time.Second, 61 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c *crowd
				c = newCrowd(t, func(stream *scriptedStream) error {
					if c.opened.Load() > 1 {
						return answersAll(stream)
					}
					if sleep(stream.ctx, row.lives); stream.ask() == nil {
						return nil
					}
					return row.end
				})
				defer c.end()
				c.askWell(enoughChecks)
				time.Sleep(row.lives)
				began := time.Now()
				// It is asked by the stream, which ends, and then by a call.
				if c.askWell(1); time.Since(began) > 100*time.Millisecond || c.opened.Load() != 1 {
					t.Errorf("took %v", time.Since(began))
				}
				time.Sleep(row.rest)
				c.askWell(enoughChecks)
				if again := c.opened.Load() == 2; again != (row.rest == 0) {
					t.Errorf("%d streams", c.opened.Load())
				}
				time.Sleep(row.enough)
				if c.askWell(enoughChecks); c.opened.Load() < 2 {
					t.Error("it is not opened again")
				}
			})
		})
	}
}

func TestAStreamThatCarriesNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, func(stream *scriptedStream) error { <-stream.ctx.Done(); return nil })
		defer c.end()
		c.askWell(enoughChecks)
		if err := c.ask(1)[0]; !errors.Is(err, ErrDeadlineExceeded) {
			t.Error(err)
		}
		time.Sleep(50 * time.Second)
		if c.askWell(2 * enoughChecks); c.opened.Load() != 1 {
			t.Error("opened again within a minute")
		}
		time.Sleep(11 * time.Second)
		if c.askWell(enoughChecks); c.opened.Load() != 2 {
			t.Error("not opened again")
		}
	})
}

func TestAQuestionThatFindsTheStreamFullIsACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := newCrowd(t, func(stream *scriptedStream) error {
			var waiting []uint64
			for len(waiting) < mostOnStream {
				question, ok := stream.ask().(*v1.CheckSessionsRequest)
				if !ok {
					return nil
				}
				waiting = append(waiting, question.Id)
			}
			<-release
			for _, id := range waiting {
				stream.say(answered(id))
			}
			return answersAll(stream)
		})
		defer c.end()
		c.askWell(enoughChecks)
		calls := len(c.called(validate))
		time.AfterFunc(time.Second, func() { close(release) })
		c.askWell(mostOnStream + 5)
		if came := len(c.called(validate)) - calls; came != 5 {
			t.Errorf("%d calls", came)
		}
	})
}

func TestWhoeverGivesUpLeavesTheStreamToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, func(stream *scriptedStream) error {
			stream.ask() // and no answer to the first
			return answersAll(stream)
		})
		defer c.end()
		c.askWell(enoughChecks)
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if _, err := c.client.Check(ctx, presenting("a")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		calls := len(c.called(validate))
		if c.askWell(3); len(c.called(validate)) != calls || c.opened.Load() != 1 {
			t.Error("the stream was given up")
		}
	})
}

func TestOneOptionKeepsEachCheckACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, answersAll, WithCheckStream(false))
		defer c.end()
		if c.askWell(3 * enoughChecks); c.opened.Load() != 0 || len(c.called(validate)) != 3*enoughChecks {
			t.Error("they share a stream")
		}
	})
}
