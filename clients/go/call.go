package gatelodge

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A manner is how a method of the contract is called.
type manner struct {
	deadline time.Duration
	repeats  int   // how often it may be repeated within the deadline
	changes  reach // whose kept answers are worth nothing once it has come back
}

func (m manner) changing(whose reach) manner {
	m.changes = whose
	return m
}

var (
	// For methods whose comment says "Safe to retry", and which no provider delays.
	safe = manner{deadline: 2 * time.Second, repeats: math.MaxInt}
	// For safe methods that may have to wait for a provider.
	safeSlow = manner{deadline: 10 * time.Second, repeats: math.MaxInt}
	// For a login's start: it may have to fetch the provider's metadata, and a repeat would begin another login.
	startLogin = manner{deadline: 10 * time.Second}
	// For a login's end: the provider is asked for tokens, and the browser repeats it by itself.
	completeCallback = manner{deadline: 20 * time.Second}
	// For what ends sessions: it is answered when nobody answers from what was before, which takes a few seconds at worst.
	ending = manner{deadline: 8 * time.Second, repeats: math.MaxInt}
	// For a logout: a person waits for it, keeps the cookie when it fails, and can ask again. A provider that tells of one
	// tells again by itself, or not.
	endingOnce = manner{deadline: 8 * time.Second, repeats: 1}
	// For a change that depends on what was read: a repeat of one that was done meets its own version, and would be taken
	// for somebody else's.
	once = manner{deadline: 2 * time.Second}
	// For a probe, whose answer is about now.
	probe = manner{deadline: 2 * time.Second}
)

// A new method of the contract needs a row here, and nothing else.
var manners = map[string]manner{
	v1.LoginService_GetEdgeSettings_FullMethodName:          safe,
	v1.LoginService_ListProviders_FullMethodName:            safe,
	v1.LoginService_StartLogin_FullMethodName:               startLogin,
	v1.LoginService_CompleteCallback_FullMethodName:         completeCallback.changing(presentedSession),
	v1.LoginService_StartLogout_FullMethodName:              endingOnce.changing(loggedOutSession),
	v1.LoginService_CompleteLogout_FullMethodName:           safe,
	v1.LoginService_HandleBackchannelLogout_FullMethodName:  endingOnce.changing(toldSession),
	v1.LoginService_HandleFrontchannelLogout_FullMethodName: endingOnce.changing(toldSession),
	v1.SessionService_ValidateSession_FullMethodName:        safe,
	v1.SessionService_RefreshTokens_FullMethodName:          safeSlow.changing(presentedSession),
	v1.SessionService_GetAccessToken_FullMethodName:         safeSlow,
	v1.SessionService_Revoke_FullMethodName:                 ending.changing(targetSession),
	v1.SessionService_GetUserInfo_FullMethodName:            safeSlow.changing(presentedSession),
	v1.SessionService_ListUserSessions_FullMethodName:       safe,
	v1.SessionService_GetAttributes_FullMethodName:          safe,
	v1.SessionService_UpdateAttributes_FullMethodName:       once.changing(presentedSession),
	v1.TokenService_ValidateToken_FullMethodName:            safeSlow,
	v1.TokenService_MintToken_FullMethodName:                safe,
	v1.TokenService_GetJwks_FullMethodName:                  safe,
	v1.AdminService_ListSessions_FullMethodName:             safe,
	v1.AdminService_GetSession_FullMethodName:               safe,
	v1.AdminService_Revoke_FullMethodName:                   ending.changing(anySession),
	v1.AdminService_PreviewRevoke_FullMethodName:            safe,
	v1.AdminService_GetUser_FullMethodName:                  safe,
	v1.AdminService_ListUsers_FullMethodName:                safe,
	v1.AdminService_DisableUser_FullMethodName:              ending.changing(anySession),
	v1.AdminService_EnableUser_FullMethodName:               safe,
	v1.AdminService_DeleteUser_FullMethodName:               ending.changing(anySession),
	v1.AdminService_CreateCallerKey_FullMethodName:          once,
	v1.AdminService_ListCallerKeys_FullMethodName:           safe,
	v1.AdminService_RevokeCallerKey_FullMethodName:          ending,
	v1.AdminService_ListAudit_FullMethodName:                safe,
	v1.AdminService_ExplainLogin_FullMethodName:             safe,
	healthv1.Health_Check_FullMethodName:                    probe,
}

const (
	firstWait   = 50 * time.Millisecond
	longestWait = time.Second

	// An authority that can't be reached is asked once more and no oftener: a person waits, and a connection that can't
	// be made costs up to connectWithin. But it may be starting again, which is quick.
	repeatsUnreached = 1
	unreachedWait    = 500 * time.Millisecond
	connectWithin    = time.Second
)

// caller carries every call: key, request id, deadline, retries, errors. The generated stubs sit on top of it.
type caller struct {
	conn          grpc.ClientConnInterface
	address       string
	authorization string
	tenant        string        // empty where the authority finds it
	deadline      time.Duration // instead of each method's own, unless zero
	logger        *slog.Logger
	closed        atomic.Bool
	kept          *kept // nil where no answers are kept
}

// Invoke asks by a call.
func (c *caller) Invoke(ctx context.Context, method string, question, answer any, opts ...grpc.CallOption) error {
	how := c.manner(method)
	sent := 0
	err := c.repeat(ctx, how, func(within context.Context) error {
		sent++
		return c.conn.Invoke(within, method, question, answer, opts...)
	})
	if c.kept != nil {
		failure, _ := errors.AsType[*Error](err)
		c.kept.cameBack(how.changes, question, answer, failure, sent > 1)
	}
	return err
}

func (c *caller) manner(method string) manner {
	how, known := manners[method]
	if !known {
		how = probe
	}
	if c.deadline > 0 {
		how.deadline = c.deadline
	}
	return how
}

// repeat sends until there is an answer, a failure that a repeat can't mend, or no time left.
//
// Invariant: only UNAVAILABLE is repeated, only where the contract says that it is safe, never sooner than the authority
// asked for, never past the deadline, and once at most while no authority can be reached.
func (c *caller) repeat(ctx context.Context, how manner, send func(within context.Context) error) error {
	within, cancel := context.WithTimeout(c.outgoing(ctx), how.deadline)
	defer cancel()
	until, _ := within.Deadline()

	var earlier *Error
	repeats := how.repeats
	for longest := firstWait; ; longest = min(longestWait, longest*2) {
		err := send(within)
		if err == nil {
			return nil
		}
		failure := c.failure(ctx, err)
		if failure.Code == codes.DeadlineExceeded && earlier != nil {
			return earlier // it says more than the repeat that ran out of time
		}
		if failure.isUnreached() {
			repeats, longest = min(repeats, repeatsUnreached), unreachedWait
		}
		wait := max(jittered(longest), failure.RetryAfter)
		if repeats == 0 || !isWorthRepeating(failure) || time.Until(until) <= wait {
			return failure
		}
		c.logger.DebugContext(ctx, "gatelodge: the authority is unavailable; asking again", "error", failure, "wait", wait)
		if !sleep(within, wait) {
			return c.failure(ctx, context.Cause(within))
		}
		earlier = failure
		repeats--
	}
}

// NewStream opens a stream, which has no deadline but its context's, and is not opened again by itself.
func (c *caller) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := c.conn.NewStream(c.outgoing(ctx), desc, method, opts...)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	return &streamed{ClientStream: stream, caller: c, ctx: ctx}, nil
}

// streamed is a stream whose failures are read as those of calls are.
type streamed struct {
	grpc.ClientStream
	caller *caller
	ctx    context.Context
}

func (s *streamed) RecvMsg(answer any) error {
	err := s.ClientStream.RecvMsg(answer)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return s.caller.failure(s.ctx, err)
}

// A provider in trouble may have spent the refresh token that it was sent: to send it again could end the whole grant.
func isWorthRepeating(failure *Error) bool {
	return failure.Code == codes.Unavailable && failure.Reason != ErrProviderUnavailable
}

func (c *caller) outgoing(ctx context.Context) context.Context {
	set, _ := metadata.FromOutgoingContext(ctx)
	set = set.Copy()
	set.Set("authorization", c.authorization)
	if c.tenant != "" && len(set.Get(tenantKey)) == 0 {
		set.Set(tenantKey, c.tenant)
	}
	if id, _ := ctx.Value(requestIDKey{}).(string); id != "" {
		set.Set("x-request-id", id)
	}
	return metadata.NewOutgoingContext(ctx, set)
}

// tenantKey is the metadata that names the tenant.
const tenantKey = "x-tenant-id"

type requestIDKey struct{}

// WithRequestID returns a context whose calls carry this id into the authority's log. One that is not 1 to 64 letters,
// digits, "-", "_" or "." is left out. [Gate] and [Edge] do so by themselves, with the X-Request-Id that came.
func WithRequestID(ctx context.Context, id string) context.Context {
	if !isRequestID(id) {
		return ctx
	}
	return context.WithValue(ctx, requestIDKey{}, id)
}

// jittered returns a time between half of longest and all of it.
func jittered(longest time.Duration) time.Duration {
	return longest/2 + rand.N(longest/2+1)
}

// sleep says whether the time passed before the context ended.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
