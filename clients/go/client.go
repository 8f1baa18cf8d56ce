package gatelodge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// Version is the version of this module, as the authority sees it in the user agent.
const Version = "0.1.0"

// A Client asks an authority. It holds one connection, made at the first call and again whenever it is lost, and is safe
// for use by several goroutines.
//
// Every call has a deadline, which the authority is told. Calls that are safe to repeat are repeated within it while the
// authority is unavailable. A call that brings no answer returns an [*Error].
type Client struct {
	login    v1.LoginServiceClient
	sessions v1.SessionServiceClient
	tokens   v1.TokenServiceClient
	admin    v1.AdminServiceClient
	health   healthv1.HealthClient
	caller   *caller
	kept     *kept // nil where no answers are kept
	watching sync.Once
	logger   *slog.Logger

	// What runs beside the calls, as long as the client is open.
	mu      sync.Mutex
	open    context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	conn    *grpc.ClientConn // nil when it is not ours to close
}

// NewClient gets ready to ask an authority. It does not connect: an authority that is away is no error here, but one of
// the first call. An option that can't be used is an [*OptionError].
func NewClient(opts ...Option) (*Client, error) {
	var o options
	for _, option := range opts {
		option(&o)
	}
	if err := o.checkRequired(); err != nil {
		return nil, err
	}
	if err := o.checkMetadata(); err != nil {
		return nil, err
	}
	most, err := o.mostAnswers()
	if err != nil {
		return nil, err
	}
	c := &Client{logger: o.logger}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	over := o.conn
	if over == nil {
		conn, err := o.connect()
		if err != nil {
			return nil, err
		}
		c.conn, over = conn, conn
		if o.isInClear() {
			c.logger.Warn("gatelodge: "+EnvAddress+" is plaintext to another machine: the API key and people's cookies cross "+
				"the network in clear. Use https://, or make sure that something else encrypts the way", "address", o.address)
		}
	}
	c.caller = &caller{
		conn: over, address: o.address, authorization: "Bearer " + o.apiKey, tenant: o.tenant, deadline: o.deadline,
		logger: c.logger,
	}
	if most > 0 {
		c.kept = newKept(most)
		c.caller.kept = c.kept
	}
	calls := &sessionCalls{SessionServiceClient: v1.NewSessionServiceClient(c.caller), caller: c.caller}
	if !o.noCheckStream {
		calls.checks = &checks{caller: c.caller, start: c.keep}
	}
	c.login = v1.NewLoginServiceClient(c.caller)
	c.sessions = calls
	c.tokens = v1.NewTokenServiceClient(c.caller)
	c.admin = adminCalls{v1.NewAdminServiceClient(c.caller)}
	c.health = healthv1.NewHealthClient(c.caller)
	c.open, c.stop = context.WithCancel(context.Background())
	return c, nil
}

func (o *options) connect() (*grpc.ClientConn, error) {
	target, config, err := o.target()
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if config != nil {
		transport = credentials.NewTLS(config)
	}
	// The default backoff grows to two minutes: an authority that is back would stay unknown for as long.
	pauses := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("gatelodge-go/" + Version),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: connectWithin}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 15 * time.Second, PermitWithoutStream: true,
		}),
	}
	conn, err := grpc.NewClient(target, append(dial, o.dial...)...)
	if err != nil {
		return nil, &OptionError{Setting: EnvAddress, Problem: "can't be used", Cause: err}
	}
	return conn, nil
}

// Login has the calls of an edge: logins and logouts.
func (c *Client) Login() v1.LoginServiceClient { return c.login }

// Sessions has the calls about a presented session. [Client.Check] reads the answer of ValidateSession as the contract
// says, and keeps it for a moment; prefer it. Where eight or more ValidateSession are under way at once, they share a
// stream by themselves: see [WithCheckStream].
func (c *Client) Sessions() v1.SessionServiceClient { return c.sessions }

// Tokens has the calls about bearer tokens. [Client.CheckToken] reads the answer of ValidateToken as the contract says;
// prefer it.
func (c *Client) Tokens() v1.TokenServiceClient { return c.tokens }

// Admin has the calls of an admin.
func (c *Client) Admin() v1.AdminServiceClient { return c.admin }

// IsServing says whether a service (empty for the authority as a whole) is serving now, as grpc.health.v1 says.
func (c *Client) IsServing(ctx context.Context, service string) (bool, error) {
	answer, err := c.health.Check(ctx, &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		return false, err
	}
	return answer.Status == healthv1.HealthCheckResponse_SERVING, nil
}

// Close ends everything that runs for this client, gates and edges included, and closes the connection. Calls that are
// under way end with an error.
func (c *Client) Close() error {
	c.mu.Lock()
	c.stop()
	c.mu.Unlock()
	c.caller.closed.Store(true)
	var err error
	if c.conn != nil {
		err = c.conn.Close()
	}
	c.running.Wait()
	return err
}

// keep runs work until it returns or the client is closed.
func (c *Client) keep(work func(ctx context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open.Err() == nil {
		c.running.Go(func() { work(c.open) })
	}
}
