// Package gatelodgetest has an authority for the tests of an application, in memory and without a network:
//
//	authority := gatelodgetest.NewAuthority()
//	defer authority.Close()
//	edge, err := gatelodge.NewEdge(authority.Client())
//
//	ada := authority.SignIn(gatelodgetest.Session{UserID: "google_1", Scopes: []string{"admin"}})
//	request := httptest.NewRequest("POST", "/private", nil)
//	ada.Sign(request) // her cookie and her CSRF token
//
// It answers as the real one does as far as an application can tell, and can be away, slow or denying.
package gatelodgetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// The names and places of the authority's settings, unless [Authority.Configure] changes them.
const (
	// BaseURL is where browsers reach the edge.
	BaseURL = "http://localhost:8000"
	// CookieName is the name of the session cookie.
	CookieName = "session"
	// CSRFHeader carries the CSRF token.
	CSRFHeader = "X-Csrf-Token"
	// APIKey is the one key that is good.
	APIKey = "glk_test"

	// Issuer is the one provider's.
	Issuer = "https://provider.example"

	bindingName = "login"
)

// Deadline is how long the calls of [Authority.Client] may take: tests do not wait for the two seconds of the real one.
const Deadline = 500 * time.Millisecond

// A Session says who is signed in, and with what. Empty fields get values that do.
type Session struct {
	// UserID is the user's stable id.
	UserID string
	// Email and Name are left out when empty.
	Email, Name string
	// Provider is the provider's name; empty for "fake".
	Provider string
	// EmailUnverified: the provider does not say that it verified the address. It says so by default.
	EmailUnverified bool
	// Scopes were granted.
	Scopes []string
	// Roles and Permissions are the user's.
	Roles, Permissions []string
	// ACR is the authentication context class of the login; empty when the provider gave none.
	ACR string
	// AMR are the authentication methods of the login (RFC 8176).
	AMR []string
	// LoginTime is when the user authenticated; zero for now.
	LoginTime time.Time
	// Inactive is why the session is dead; UNSPECIFIED for one that lives.
	Inactive v1.InactiveReason
	// Cookie is the cookie's value; empty for one that nobody can guess.
	Cookie string
	// CSRFToken is the one that is issued and accepted; empty for "csrf_" and the cookie.
	CSRFToken string
	// ProviderSession is the provider's own session that it began with, by which a provider tells of a logout: see
	// [LogoutToken]. Empty for one that no request names.
	ProviderSession string
	// RenewedCookie, unless empty, is a second credential, which a check of the first delivers, as after a rotation.
	RenewedCookie string
}

// An Authority is one in memory. Its methods may be called while it answers.
type Authority struct {
	server *grpc.Server
	conn   *grpc.ClientConn
	closed context.Context
	close  context.CancelFunc

	mu       sync.Mutex
	settings *v1.EdgeSettings
	sessions map[string]*session // by the cookie's value; those that are dead too
	logins   map[string]*login   // by state
	next     Session
	denial   v1.DeniedReason
	trouble  trouble
	news     news
	issued   map[string]*Token // by the token itself
	told     map[string]bool   // the logout tokens that were carried out
	users    map[string]v1.UserState
	// Keys that were made, by their id.
	callerKeys map[string]*v1.CallerKey
	clients    []*gatelodge.Client
}

type trouble int

const (
	none trouble = iota
	away
	slow
)

// NewAuthority starts an authority at which nobody is signed in.
func NewAuthority() *Authority {
	a := &Authority{sessions: map[string]*session{}, logins: map[string]*login{}, next: Session{UserID: "fake_1"}}
	a.settings = &v1.EdgeSettings{
		Version:            "1",
		AskAgainAfter:      durationpb.New(5 * time.Minute),
		SessionCookieNames: []string{CookieName},
		BindingCookieNames: []string{bindingName},
		CsrfHeader:         "x-csrf-token",
		PublicBaseUrl:      BaseURL,
		CallbackAddresses: []*v1.CallbackAddress{
			{RouteSet: v1.RouteSet_ROUTE_SET_WEB, Provider: "fake", Url: BaseURL + "/auth/web/callback"},
		},
		Cors: &v1.CorsSettings{
			AllowedOrigins: []string{"http://localhost:5173"},
			AllowedMethods: []string{"GET", "POST"},
			AllowedHeaders: []string{"content-type", "x-csrf-token"},
			ExposedHeaders: []string{"x-csrf-token"},
			MaxAge:         durationpb.New(10 * time.Minute),
		},
		LandingPlaces: &v1.LandingPlaces{AfterLogin: "/", AfterLogout: "/"},
		Limits: &v1.Limits{
			MaxCookieBytes: 4096, MaxCookies: 8, MaxHeaderBytes: 4096, MaxQueryBytes: 8192, MaxBodyBytes: 65536,
		},
		RouteSets: []v1.RouteSet{v1.RouteSet_ROUTE_SET_WEB},
	}
	a.news.more = make(chan struct{})
	a.issued, a.told, a.users = map[string]*Token{}, map[string]bool{}, map[string]v1.UserState{}
	a.callerKeys = map[string]*v1.CallerKey{}
	a.closed, a.close = context.WithCancel(context.Background())

	listener := bufconn.Listen(64 << 10)
	a.server = grpc.NewServer(grpc.UnaryInterceptor(a.admit), grpc.StreamInterceptor(a.admitStream))
	v1.RegisterLoginServiceServer(a.server, loginService{Authority: a})
	v1.RegisterSessionServiceServer(a.server, sessionService{Authority: a})
	v1.RegisterTokenServiceServer(a.server, tokenService{Authority: a})
	v1.RegisterAdminServiceServer(a.server, adminService{Authority: a})
	healthv1.RegisterHealthServer(a.server, health.NewServer())
	go func() { _ = a.server.Serve(listener) }() // until Close

	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	conn, err := grpc.NewClient("passthrough:///gatelodgetest",
		grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(fmt.Sprintf("gatelodgetest: %v", err)) // these options are always good
	}
	a.conn = conn
	return a
}

// Client makes a client of this authority, with a deadline that suits tests. [Authority.Close] closes it too.
//
// It keeps no answers, so that what a test changes is seen at once. With [gatelodge.WithKeepAnswers] it does, and hears of
// changes a moment later, as in life.
func (a *Authority) Client(opts ...gatelodge.Option) *gatelodge.Client {
	usual := []gatelodge.Option{
		gatelodge.WithConn(a.conn), gatelodge.WithAPIKey(APIKey), gatelodge.WithDeadline(Deadline),
		gatelodge.WithKeepAnswers(0),
	}
	client, err := gatelodge.NewClient(append(usual, opts...)...)
	if err != nil {
		panic(fmt.Sprintf("gatelodgetest: %v", err)) // only what the test itself has added can be wrong
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clients = append(a.clients, client)
	return client
}

// Conn returns a connection to this authority, for generated code and for what passes calls on. Its calls bring an API key
// themselves: [APIKey], as the metadata "authorization".
func (a *Authority) Conn() grpc.ClientConnInterface { return a.conn }

// Close ends the authority and its clients.
func (a *Authority) Close() {
	a.close()
	a.mu.Lock()
	clients := a.clients
	a.mu.Unlock()
	for _, client := range clients {
		_ = client.Close()
	}
	_ = a.conn.Close()
	a.server.Stop()
}

// Configure changes the settings that edges ask for, and their version.
func (a *Authority) Configure(change func(*v1.EdgeSettings)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	changed := proto.CloneOf(a.settings)
	changed.Version = rand.Text()
	change(changed)
	a.settings = changed
}

// Away makes every call fail as if nothing listened there, until [Authority.Back].
func (a *Authority) Away() { a.set(away) }

// Slow makes no call get an answer within its deadline, until [Authority.Back].
func (a *Authority) Slow() { a.set(slow) }

// Back ends [Authority.Away] and [Authority.Slow].
func (a *Authority) Back() { a.set(none) }

func (a *Authority) set(trouble trouble) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trouble = trouble
	a.wake()
}

// Deny makes every living session be refused for this reason; DENIED_REASON_UNSPECIFIED ends it.
func (a *Authority) Deny(reason v1.DeniedReason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denial = reason
	a.tell(v1.SessionEventKind_SESSION_EVENT_KIND_CHANGED, "")
}

// LogsInNext says who the next login through the edge's routes makes a session for.
func (a *Authority) LogsInNext(who Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = who
}

// SignIn makes a session, as if somebody had logged in.
func (a *Authority) SignIn(who Session) *SignedIn {
	a.mu.Lock()
	defer a.mu.Unlock()
	made := a.begin(who)
	return &SignedIn{
		Cookie:    &http.Cookie{Name: a.settings.SessionCookieNames[0], Value: made.who.Cookie},
		CSRFToken: made.who.CSRFToken,
		SessionID: made.info.SessionId,
		authority: a,
	}
}

// SignedIn is a browser that holds a session.
type SignedIn struct {
	// Cookie is the session cookie.
	Cookie *http.Cookie
	// CSRFToken is good for the session.
	CSRFToken string
	// SessionID is the session's public id.
	SessionID string

	authority *Authority
}

// Sign puts the cookie and the CSRF token on a request.
func (s *SignedIn) Sign(r *http.Request) {
	r.AddCookie(s.Cookie)
	r.Header.Set(CSRFHeader, s.CSRFToken)
}

// End ends the session, as an admin or another browser would.
func (s *SignedIn) End() { s.SetInactive(v1.InactiveReason_INACTIVE_REASON_REVOKED) }

// SetInactive says why the session is dead; with UNSPECIFIED it lives.
func (s *SignedIn) SetInactive(reason v1.InactiveReason) {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	s.authority.end(s.authority.sessions[s.Cookie.Value], reason)
}
