package gatelodge

import (
	"context"
	"errors"
	"time"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const (
	firstWatchPause   = 100 * time.Millisecond
	longestWatchPause = 5 * time.Second
	// A stream that ends sooner than this may do so again: the pauses go on growing.
	lasted = 5 * time.Second
	// A stream that says nothing for so long is made again. It counts as broken long before.
	silent = 4 * time.Second
)

var errSilent = errors.New("the stream says nothing")

// watch hears what happens to sessions for as long as the client is open: one stream, made again whenever it ends, going
// on where it was.
func (c *Client) watch(ctx context.Context) {
	pause := firstWatchPause
	for ctx.Err() == nil {
		begun := time.Now()
		err := c.follow(ctx)
		if time.Since(begun) >= lasted {
			pause = firstWatchPause
		}
		c.kept.broken()
		c.logger.DebugContext(ctx, "gatelodge: sessions are not watched, every one is asked about", "error", err)
		if !sleep(ctx, jittered(pause)) {
			return
		}
		pause = min(longestWatchPause, pause*2)
	}
}

// follow reads one stream to its end.
func (c *Client) follow(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	watchdog := time.AfterFunc(silent, func() { end(errSilent) })
	defer watchdog.Stop()
	position := c.kept.position()
	if position == "" {
		c.kept.forgetAll() // it begins anew: what happened meanwhile is told to nobody
	}
	stream, err := c.sessions.WatchSessions(ctx, &v1.WatchSessionsRequest{AfterPosition: []byte(position)})
	for err == nil {
		var message *v1.WatchSessionsResponse
		if message, err = stream.Recv(); err == nil {
			watchdog.Reset(silent)
			c.kept.hear(message)
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
