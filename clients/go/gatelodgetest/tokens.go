package gatelodgetest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A Token says whose a bearer token is, and what it permits. Empty fields get values that do.
type Token struct {
	// UserID is the user's stable id.
	UserID string
	// IsProgram: the token speaks for a program alone, and has no user.
	IsProgram bool
	// Email is left out when empty. The token says that it is verified, unless EmailUnverified.
	Email           string
	EmailUnverified bool
	// Scopes, Permissions and Roles were granted.
	Scopes, Permissions, Roles []string
	// ACR and AMR are the class and the methods of the login, where the token names them.
	ACR string
	AMR []string
	// Audiences are whom it is for.
	Audiences []string
	// ClientID is the OAuth2 client that it was given to.
	ClientID string
	// LoginTime is when the user authenticated; zero for now.
	LoginTime time.Time
	// Inactive is why the token is not good; UNSPECIFIED for one that is.
	Inactive v1.TokenInactiveReason
	// Token is what is sent; empty for one that nobody can guess.
	Token string
}

// IssueToken makes an access token that is good at this authority, to be sent as "Authorization: Bearer ".
func (a *Authority) IssueToken(whose Token) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if whose.UserID == "" && !whose.IsProgram {
		whose.UserID = "fake_1"
	}
	whose.LoginTime = cmp.Or(whose.LoginTime, time.Now())
	whose.Token = cmp.Or(whose.Token, "token_"+rand.Text())
	a.issued[whose.Token] = &whose
	return whose.Token
}

// SetTokenInactive says why a token that was issued is good no more; with UNSPECIFIED it is good.
func (a *Authority) SetTokenInactive(token string, reason v1.TokenInactiveReason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if issued := a.issued[token]; issued != nil {
		issued.Inactive = reason
	}
}

type tokenService struct {
	v1.UnimplementedTokenServiceServer
	*Authority
}

func (a tokenService) ValidateToken(
	ctx context.Context, q *v1.ValidateTokenRequest,
) (*v1.ValidateTokenResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	token, needed := a.issued[string(q.Token)], q.GetRequirements()
	switch {
	case len(q.Token) == 0:
		return inactiveToken(v1.TokenInactiveReason_TOKEN_INACTIVE_REASON_NONE, requestID(ctx)), nil
	case token == nil:
		return inactiveToken(v1.TokenInactiveReason_TOKEN_INACTIVE_REASON_FORGED, requestID(ctx)), nil
	case token.Inactive != v1.TokenInactiveReason_TOKEN_INACTIVE_REASON_UNSPECIFIED:
		return inactiveToken(token.Inactive, requestID(ctx)), nil
	case needed.GetAudience() != "" && !slices.Contains(token.Audiences, needed.GetAudience()):
		return inactiveToken(v1.TokenInactiveReason_TOKEN_INACTIVE_REASON_OTHER_AUDIENCE, requestID(ctx)), nil
	}
	_, sub, _ := strings.Cut(token.UserID, "_")
	who := &v1.Identity{
		UserId: token.UserID, Tenant: "default", Provider: "fake", Issuer: Issuer, Sub: sub,
		Email: token.Email, EmailVerified: token.Email != "" && !token.EmailUnverified, Scopes: token.Scopes,
		Roles: token.Roles, Acr: token.ACR, Amr: token.AMR, AuthTime: timestamppb.New(token.LoginTime),
	}
	if lack := lackOf(needed, who, token.Permissions); lack != nil {
		denied := deniedToken(lack, needed, requestID(ctx))
		return &v1.ValidateTokenResponse{Outcome: &v1.ValidateTokenResponse_Denied{Denied: denied}}, nil
	}
	active := &v1.ActiveToken{
		Kind: v1.TokenKind_TOKEN_KIND_JWT, ClientId: token.ClientID, Audiences: token.Audiences,
		Permissions: token.Permissions, Judged: needed, Identity: who,
	}
	if q.GetRefresh() && token.UserID != "" {
		active.RefreshTime = timestamppb.Now()
	}
	return &v1.ValidateTokenResponse{Outcome: &v1.ValidateTokenResponse_Active{Active: active}}, nil
}

func deniedToken(lack *lack, needed *v1.TokenRequirements, requestID string) *v1.DeniedToken {
	name := "TOKEN_" + lack.reason.String()
	denied := &v1.DeniedToken{Reason: v1.TokenDeniedReason(v1.TokenDeniedReason_value[name])}
	code, header := http.StatusForbidden, `Bearer error="insufficient_scope"`
	switch lack.reason {
	case v1.DeniedReason_DENIED_REASON_SCOPE_MISSING:
		denied.MissingScopes = lack.missing
		header += fmt.Sprintf(`, scope="%s"`, strings.Join(lack.missing, " "))
	case v1.DeniedReason_DENIED_REASON_PERMISSION_MISSING:
		denied.MissingPermissions = lack.missing
	case v1.DeniedReason_DENIED_REASON_ROLE_MISSING:
		denied.MissingRoles = lack.missing
	case v1.DeniedReason_DENIED_REASON_ACR_MISSING:
		denied.MissingAcrValues = lack.missing
	case v1.DeniedReason_DENIED_REASON_AMR_MISSING:
		denied.MissingAmrValues = lack.missing
	}
	if isMendedByLogin(lack.reason) {
		code, header = http.StatusUnauthorized, loginChallenge(needed)
	}
	denied.Answer = challenge(code, publicName(lack.reason), lack.detail, header, requestID)
	return denied
}

// loginChallenge says what a login has to be asked for (RFC 9470, 3).
func loginChallenge(needed *v1.TokenRequirements) string {
	header := `Bearer error="insufficient_user_authentication"`
	if values := needed.GetAcrValues(); len(values) > 0 {
		header += fmt.Sprintf(`, acr_values="%s"`, strings.Join(values, " "))
	}
	if age := needed.GetMaxLoginAge(); age != nil {
		header += fmt.Sprintf(`, max_age="%d"`, age.Seconds)
	}
	return header
}

func inactiveToken(reason v1.TokenInactiveReason, requestID string) *v1.ValidateTokenResponse {
	public, header := "invalid_token", `Bearer error="invalid_token"`
	if reason == v1.TokenInactiveReason_TOKEN_INACTIVE_REASON_NONE {
		public, header = "not_signed_in", "Bearer"
	}
	inactive := &v1.InactiveToken{Reason: reason}
	inactive.Answer = challenge(http.StatusUnauthorized, public, "Could not validate credentials", header, requestID)
	return &v1.ValidateTokenResponse{Outcome: &v1.ValidateTokenResponse_Inactive{Inactive: inactive}}
}

// challenge is an answer to whoever presented a token that does not do (RFC 6750, 3).
func challenge(status int, reason, detail, header, requestID string) *v1.HttpAnswer {
	said := problem(status, reason, detail, "Send a valid access token: Authorization: Bearer <token>.", requestID)
	said.Headers = append(said.Headers, &v1.HttpHeader{Name: "www-authenticate", Value: header})
	return said
}

func (tokenService) MintToken(context.Context, *v1.MintTokenRequest) (*v1.MintTokenResponse, error) {
	return nil, failure(codes.FailedPrecondition, gatelodge.ErrMintingOff, "The fake authority mints no tokens.")
}

func (tokenService) GetJwks(context.Context, *v1.GetJwksRequest) (*v1.GetJwksResponse, error) {
	return nil, failure(codes.FailedPrecondition, gatelodge.ErrMintingOff, "The fake authority mints no tokens.")
}
