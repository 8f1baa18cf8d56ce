package gatelodge

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A Token is a good bearer token that meets every requirement which was asked for. It holds no secret. Do not change it.
type Token struct {
	// UserID is the user's stable id, "<provider>_<sub>"; empty when the token speaks for a program alone.
	UserID string
	// ClientID is the OAuth2 client that it was given to; empty when it does not say.
	ClientID string
	// Provider is the name of the provider that issued it, or that the session of one of our own began with.
	Provider string
	// Scopes are those that it was granted.
	Scopes []string
	// Permissions are what it permits beyond scopes.
	Permissions []string
	// Active is all that the authority said of it.
	Active *v1.ActiveToken
}

// Claims returns the claims of a token of the authority's own, the application's among them; none of others.
func (t *Token) Claims() map[string]any { return t.Active.GetClaims().AsMap() }

// LogValue shows whose token it is, and nothing personal beyond.
func (t *Token) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user_id", t.UserID), slog.String("client_id", t.ClientID))
}

type tokenKey struct{}

// TokenFrom returns the token behind a request, as [Client.RequireToken] and its like put it into the context.
func TokenFrom(ctx context.Context) (*Token, bool) {
	token, _ := ctx.Value(tokenKey{}).(*Token)
	return token, token != nil
}

// ContextWithToken returns a context with a token in it, for tests of handlers. Nil takes away one that is there.
func ContextWithToken(ctx context.Context, token *Token) context.Context {
	return context.WithValue(ctx, tokenKey{}, token)
}

// RequireToken is for the routes of an API, which nobody may enter without a good bearer token in the header
// "Authorization". Others get the authority's answer, 401 or 403 with WWW-Authenticate (RFC 6750); when the authority
// can't say, 503. The handler finds the token by [TokenFrom].
//
// It needs no [Gate] and no edge. Guards may be nested: the authority is asked again only for requirements that the outer
// one has not had judged. No token comes with a preflight, so it goes no further: CORS middleware stands outside.
func (c *Client) RequireToken(needs ...TokenRequirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asker := asker{requestID: requestID(r.Header["X-Request-Id"]), logger: c.logger}
			ctx, verdict, err := c.admitToken(WithRequestID(r.Context(), asker.requestID), r.Header["Authorization"], needs)
			var instead *response
			switch {
			case err != nil:
				instead = asker.failed(err)
			case verdict.Denied != nil:
				instead = asker.copy(verdict.Denied.GetAnswer())
			case verdict.Active == nil:
				instead = asker.copy(verdict.Inactive.GetAnswer())
			default:
				next.ServeHTTP(w, r.WithContext(ctx))
				return
			}
			outer, _ := r.Context().Value(checkedKey{}).(*checked)
			outer.refuse(instead, w, r)
		})
	}
}

// UnaryRequireToken is [Client.RequireToken] for a gRPC server, by the metadata "authorization": a call without a good
// token ends UNAUTHENTICATED, one whose token lacks a requirement PERMISSION_DENIED, and UNAVAILABLE when the authority
// can't say. grpc.health.v1 passes unasked.
func (c *Client) UnaryRequireToken(needs ...TokenRequirement) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, question any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		ctx, err := c.admitCallByToken(ctx, call.FullMethod, needs)
		if err != nil {
			return nil, err
		}
		return next(ctx, question)
	}
}

// StreamRequireToken is [Client.UnaryRequireToken] for streams. The token is looked at when a stream begins; a stream that
// lasts does not notice its end.
func (c *Client) StreamRequireToken(needs ...TokenRequirement) grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, call *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, err := c.admitCallByToken(stream.Context(), call.FullMethod, needs)
		if err != nil {
			return err
		}
		return next(server, &streamOf{ServerStream: stream, ctx: ctx})
	}
}

func (c *Client) admitCallByToken(
	ctx context.Context, method string, needs []TokenRequirement,
) (context.Context, error) {
	if isHealth(method) {
		return ctx, nil
	}
	came, _ := metadata.FromIncomingContext(ctx)
	id := requestID(came["x-request-id"])
	ctx, verdict, err := c.admitToken(WithRequestID(ctx, id), came["authorization"], needs)
	switch {
	case err != nil:
		return nil, unavailable(logFailure(c.logger.With("request_id", id, "method", method), err))
	case verdict.Denied != nil:
		return nil, status.Error(codes.PermissionDenied, "This token may not make this call.")
	case verdict.Active == nil:
		return nil, status.Error(codes.Unauthenticated, "Send a valid access token: authorization: Bearer <token>.")
	}
	return ctx, nil
}

// A checkedToken is one that was checked, as an inner guard finds it in the context.
type checkedToken struct {
	client   *Client
	token    string
	provider string
	verdict  *TokenVerdict
}

type checkedTokenKey struct{}

// admitToken returns a context with the token in it, if the verdict is a yes.
func (c *Client) admitToken(
	ctx context.Context, lines []string, needs []TokenRequirement,
) (context.Context, *TokenVerdict, error) {
	question := &v1.ValidateTokenRequest{Token: []byte(bearer(lines)), Requirements: &v1.TokenRequirements{}}
	for _, need := range needs {
		need.ofToken(question)
	}
	here := checkedToken{client: c, token: string(question.Token), provider: question.Provider}
	outer, _ := ctx.Value(checkedTokenKey{}).(checkedToken)
	verdict := outer.verdict
	outer.verdict = nil
	if verdict == nil || outer != here || !isJudgedFor(question.Requirements, verdict.Active.GetJudged()) {
		var err error
		if verdict, err = c.CheckToken(ctx, question); err != nil {
			return nil, nil, err
		}
	}
	here.verdict = verdict
	if verdict.Active != nil {
		ctx = ContextWithToken(context.WithValue(ctx, checkedTokenKey{}, here), newToken(verdict.Active))
	}
	return ctx, verdict, nil
}

func newToken(active *v1.ActiveToken) *Token {
	who := active.GetIdentity()
	return &Token{
		UserID: who.GetUserId(), ClientID: active.GetClientId(), Provider: who.GetProvider(), Scopes: who.GetScopes(),
		Permissions: active.GetPermissions(), Active: active,
	}
}

// bearer returns what follows the scheme "Bearer" and a space. Of several headers it is not known which one counts, so
// none does.
func bearer(lines []string) string {
	if len(lines) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.Trim(token, " \t")
}
