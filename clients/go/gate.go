package gatelodge

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A Gate is a client together with the settings of an edge, which it keeps fresh. It looks for the session behind each
// request of an application's own routes, once, and hands it to the application: see [Gate.Sessions] and [Gate.Require]
// for HTTP, [Gate.UnarySessions] and its like for gRPC.
//
// It lives until its client is closed. Use one for all routes; an [Edge] has one already.
type Gate struct {
	client   *Client
	sessions checker
	inForce  atomic.Pointer[settled]
	trouble  atomic.Pointer[error]
	ready    chan struct{} // closed when there are settings
	askNow   chan struct{}
	onChange func(*settings) // of each tenant
}

// A checker answers questions about presented sessions: the client, or what stands before it.
type checker interface {
	Check(ctx context.Context, question *v1.ValidateSessionRequest) (*Verdict, error)
}

const (
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
)

// NewGate begins to ask the authority for the settings, and goes on until there are some. Until then requests are
// answered with 503.
func NewGate(client *Client) *Gate { return newGate(client, func(*settings) {}) }

// newGate: onChange sees the settings of each tenant in a new version before a request does.
func newGate(client *Client, onChange func(*settings)) *Gate {
	g := &Gate{
		client:   client,
		sessions: client,
		ready:    make(chan struct{}),
		askNow:   make(chan struct{}, 1),
		onChange: onChange,
	}
	client.keep(g.keepFresh)
	return g
}

// Client returns the client that the gate asks with.
func (g *Gate) Client() *Client { return g.client }

// Ready waits for the first settings: from then on requests are answered. Its error says what is in the way.
func (g *Gate) Ready(ctx context.Context) error {
	select {
	case <-g.ready:
		return nil
	case <-ctx.Done():
	case <-g.client.open.Done():
		return errors.New("gatelodge: the client is closed")
	}
	if trouble := g.trouble.Load(); trouble != nil {
		return fmt.Errorf("gatelodge: no settings from the authority: %w (last failure: %w)", ctx.Err(), *trouble)
	}
	return fmt.Errorf("gatelodge: no settings from the authority yet: %w", ctx.Err())
}

// settings returns those in force for requests with this Host, as far as is known.
func (g *Gate) settings(host string) *settings {
	held := g.inForce.Load()
	if held == nil {
		return nil
	}
	return held.of(host)
}

// sawVersion takes note of the version that an answer named. One that names none says nothing.
func (g *Gate) sawVersion(version string) {
	if held := g.inForce.Load(); version == "" || held == nil || held.first.version == version {
		return
	}
	select {
	case g.askNow <- struct{}{}:
	default:
	}
}

// keepFresh asks as long as the client is open.
//
// Invariant: a failure never takes away settings that are there.
func (g *Gate) keepFresh(ctx context.Context) {
	failing := firstPause
	for {
		select {
		case <-g.askNow: // this asking answers it
		default:
		}
		fresh, err := g.ask(ctx)
		if err != nil {
			if ctx.Err() == nil {
				g.trouble.Store(&err)
				logFailure(g.client.logger.With("asked_for", "settings", "kept", g.inForce.Load() != nil), err)
			}
			failing = min(longestPause, failing*2)
			if !sleep(ctx, jittered(failing)) { // however many requests wait
				return
			}
			continue
		}
		failing = firstPause
		held := g.inForce.Load()
		if held == nil || held.first.version != fresh.first.version {
			g.client.logger.Info("gatelodge: settings of the edge are in force", "version", fresh.first.version)
			for _, settings := range fresh.all {
				g.onChange(settings)
			}
		}
		g.inForce.Store(fresh)
		if held == nil {
			close(g.ready)
		}
		if !sleep(ctx, shortestPause) {
			return
		}
		rest := time.NewTimer(fresh.first.askAgainAfter - shortestPause)
		select {
		case <-rest.C:
		case <-g.askNow:
		case <-ctx.Done():
		}
		rest.Stop()
	}
}

func (g *Gate) ask(ctx context.Context) (*settled, error) {
	answer, err := g.client.login.GetEdgeSettings(ctx, &v1.GetEdgeSettingsRequest{})
	if err != nil {
		return nil, err
	}
	return readSettled(answer)
}
