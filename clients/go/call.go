package gatelodge

import (
	"context"
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
	repeats  int // how often it may be repeated within the deadline
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
	// For a logout: a person waits for it, keeps the cookie when it fails, and can ask again.
	startLogout = manner{deadline: 3 * time.Second, repeats: 1}
	// For a probe, whose answer is about now.
	probe = manner{deadline: 2 * time.Second}
)

// A new method of the contract needs a row here, and nothing else.
var manners = map[string]manner{
	v1.LoginService_GetEdgeSettings_FullMethodName:    safe,
	v1.LoginService_ListProviders_FullMethodName:      safe,
	v1.LoginService_StartLogin_FullMethodName:         startLogin,
	v1.LoginService_CompleteCallback_FullMethodName:   completeCallback,
	v1.LoginService_StartLogout_FullMethodName:        startLogout,
	v1.LoginService_CompleteLogout_FullMethodName:     safe,
	v1.SessionService_ValidateSession_FullMethodName:  safe,
	v1.SessionService_RefreshTokens_FullMethodName:    safeSlow,
	v1.SessionService_GetAccessToken_FullMethodName:   safeSlow,
	v1.SessionService_Revoke_FullMethodName:           safe,
	v1.SessionService_GetUserInfo_FullMethodName:      safeSlow,
	v1.SessionService_ListUserSessions_FullMethodName: safe,
	v1.SessionService_GetAttributes_FullMethodName:    safe,
	v1.SessionService_UpdateAttributes_FullMethodName: safe,
	v1.TokenService_ValidateToken_FullMethodName:      safeSlow,
	v1.TokenService_MintToken_FullMethodName:          safe,
	v1.TokenService_GetJwks_FullMethodName:            safe,
	v1.AdminService_ListSessions_FullMethodName:       safe,
	v1.AdminService_GetSession_FullMethodName:         safe,
	v1.AdminService_Revoke_FullMethodName:             safe,
	v1.AdminService_PreviewRevoke_FullMethodName:      safe,
	v1.AdminService_GetUser_FullMethodName:            safe,
	v1.AdminService_ListUsers_FullMethodName:          safe,
	v1.AdminService_DisableUser_FullMethodName:        safe,
	v1.AdminService_EnableUser_FullMethodName:         safe,
	v1.AdminService_DeleteUser_FullMethodName:         safe,
	healthv1.Health_Check_FullMethodName:              probe,
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
	deadline      time.Duration // instead of each method's own, unless zero
	logger        *slog.Logger
	closed        atomic.Bool
}

// Invoke sends until there is an answer, a failure that a repeat can't mend, or no time left.
//
// Invariant: only UNAVAILABLE is repeated, only where the contract says that it is safe, never sooner than the authority
// asked for, never past the deadline, and once at most while no authority can be reached.
func (c *caller) Invoke(ctx context.Context, method string, question, answer any, opts ...grpc.CallOption) error {
	how, known := manners[method]
	if !known {
		how = probe
	}
	if c.deadline > 0 {
		how.deadline = c.deadline
	}
	within, cancel := context.WithTimeout(c.outgoing(ctx), how.deadline)
	defer cancel()
	until, _ := within.Deadline()

	var earlier *Error
	repeats := how.repeats
	for longest := firstWait; ; longest = min(longestWait, longest*2) {
		err := c.conn.Invoke(within, method, question, answer, opts...)
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

// NewStream opens a stream, which has no deadline but its context's.
func (c *caller) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := c.conn.NewStream(c.outgoing(ctx), desc, method, opts...)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	return stream, nil
}

// A provider in trouble may have spent the refresh token that it was sent: to send it again could end the whole grant.
func isWorthRepeating(failure *Error) bool {
	return failure.Code == codes.Unavailable && failure.Reason != ErrProviderUnavailable
}

func (c *caller) outgoing(ctx context.Context) context.Context {
	set, _ := metadata.FromOutgoingContext(ctx)
	set = set.Copy()
	set.Set("authorization", c.authorization)
	if id, _ := ctx.Value(requestIDKey{}).(string); id != "" {
		set.Set("x-request-id", id)
	}
	return metadata.NewOutgoingContext(ctx, set)
}

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
