package gatelodge

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const (
	// From so many checks at the same moment on a stream pays.
	enoughChecks = 8
	// An authority that has not opened a stream by then does not.
	opensWithin = 2 * time.Second
	// A stream that ends sooner than this may do so again.
	shortLife = time.Second
	// How long no stream is opened after one that failed.
	shortRest = time.Second
	// The same after one that an authority does not have, that its caller may not open, or that carried no answer: the
	// authority, the key or what stands between may change one day.
	longRest = time.Minute
)

// checks are those of a client, and say when they ride one stream (CheckSessions) instead of a call each: "Many at once"
// of clients/README.md.
//
// As soon as so many are under way at the same moment that a stream pays, one is opened beside them; nobody waits for it.
// While it is open every check takes it; one that finds it full is a call. A stream that ends leaves its questions to calls
// of their own, within their deadlines, so nothing is lost by it.
type checks struct {
	caller   *caller
	start    func(work func(ctx context.Context)) // runs beside the calls, until the client is closed
	underWay atomic.Int64
	open     atomic.Pointer[checkStream]

	mu        sync.Mutex
	isOpening bool
	restUntil time.Time
}

// ask asks by the stream. It is not answered when it has to be a call: there is no stream, or it is full, or it ended
// before the answer.
func (c *checks) ask(
	ctx context.Context, question *v1.ValidateSessionRequest,
) (answer *v1.ValidateSessionResponse, isAnswered bool, err error) {
	if open := c.open.Load(); open != nil {
		return open.ask(ctx, question)
	}
	if c.underWay.Load() >= enoughChecks {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.isOpening && !time.Now().Before(c.restUntil) {
			c.isOpening = true
			c.start(c.drive)
		}
	}
	return nil, false, nil
}

// drive opens a stream, and reads it to its end.
func (c *checks) drive(ctx context.Context) {
	begun := time.Now()
	err := c.carry(ctx)
	c.open.Store(nil)
	rest := restAfter(err, time.Since(begun))
	c.caller.logger.DebugContext(ctx, "gatelodge: the stream of checks has ended; checks are calls again", "error", err, "rest", rest)
	c.mu.Lock()
	c.isOpening, c.restUntil = false, time.Now().Add(rest)
	c.mu.Unlock()
}

// carry returns why the stream has ended.
func (c *checks) carry(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	opening := time.AfterFunc(opensWithin, func() { end(errStalled) })
	defer opening.Stop()
	stream, err := v1.NewSessionServiceClient(c.caller).CheckSessions(ctx)
	if err != nil {
		return causeOr(ctx, err)
	}
	if header, err := stream.Header(); header == nil || err != nil { // it was refused
		_, err = stream.Recv()
		return causeOr(ctx, err)
	}
	opening.Stop()
	open := newCheckStream(end)
	c.open.Store(open)
	err = open.run(ctx, stream)
	c.open.Store(nil)
	open.end()
	return causeOr(ctx, err)
}

func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// restAfter says how long no stream is opened after one that lived for so long and ended like this.
func restAfter(err error, lived time.Duration) time.Duration {
	failure, _ := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, errQuiet):
		return 0
	case errors.Is(err, errStalled):
		return longRest
	case errors.Is(err, io.EOF), errors.Is(err, ErrStreamEnded):
		if lived >= shortLife {
			return 0
		}
	case failure != nil && (failure.Code == codes.Unimplemented || failure.isAbout() != ""):
		return longRest
	}
	return shortRest + rand.N(shortRest/2)
}
