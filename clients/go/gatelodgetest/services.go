package gatelodgetest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

func failure(code codes.Code, reason gatelodge.Reason, message string) error {
	info := &errdetails.ErrorInfo{Domain: "gatelodge", Reason: string(reason)}
	with, err := status.New(code, message).WithDetails(info)
	if err != nil {
		return status.Error(code, message)
	}
	return with.Err()
}

func requestID(ctx context.Context) string {
	return strings.Join(metadata.ValueFromIncomingContext(ctx, "x-request-id"), "")
}

type sessionService struct {
	v1.UnimplementedSessionServiceServer
	*Authority
}

func (a sessionService) ValidateSession(
	ctx context.Context, q *v1.ValidateSessionRequest,
) (*v1.ValidateSessionResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	required := q.GetRequirements().GetCsrf() == v1.CsrfRequirement_CSRF_REQUIREMENT_REQUIRED
	if required && q.Context == nil {
		return nil, failure(codes.InvalidArgument, gatelodge.ErrContextRequired, "CSRF can't be judged without a context.")
	}
	said := &v1.ValidateSessionResponse{SettingsVersion: a.settings.Version}
	found, reason := a.presented(q.Cookies)
	if found == nil {
		inactive := a.inactive(reason, q.Context, q.AnswerJson, requestID(ctx))
		said.Outcome = &v1.ValidateSessionResponse_Inactive{Inactive: inactive}
		return said, nil
	}
	judged, denied := a.judge(found, q.Requirements, q.Context)
	if denied != v1.DeniedReason_DENIED_REASON_UNSPECIFIED {
		said.Outcome = &v1.ValidateSessionResponse_Denied{Denied: a.denied(found, denied, q, requestID(ctx))}
		return said, nil
	}
	active := &v1.ActiveSession{Identity: found.identity, Session: found.info, Judged: judged}
	active.EventPosition, active.KeepFor = position(len(a.news.events)), durationpb.New(keepFor)
	active.SetCookies = a.renewed(found, q)
	if q.IssueCsrfToken || len(active.SetCookies) > 0 {
		active.CsrfToken = found.who.CSRFToken
	}
	said.Outcome = &v1.ValidateSessionResponse_Active{Active: active}
	return said, nil
}

// use returns the living session that a request may use, or why it may not and what to answer.
func (a *Authority) use(
	cookies []*v1.Cookie, context *v1.RequestContext, requestID string,
) (*session, *v1.InactiveSession, *v1.DeniedSession) {
	found, reason := a.presented(cookies)
	if found == nil {
		return nil, a.inactive(reason, context, true, requestID), nil
	}
	if _, denied := a.judge(found, nil, context); denied != v1.DeniedReason_DENIED_REASON_UNSPECIFIED {
		asked := &v1.ValidateSessionRequest{Context: context, AnswerJson: true}
		return nil, nil, a.denied(found, denied, asked, requestID)
	}
	return found, nil, nil
}

// RefreshTokens brings new tokens of which nothing is known.
func (a sessionService) RefreshTokens(
	ctx context.Context, q *v1.RefreshTokensRequest,
) (*v1.RefreshTokensResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.RefreshTokensResponse{}
	found, inactive, denied := a.use(q.Cookies, q.Context, requestID(ctx))
	switch {
	case inactive != nil:
		said.Outcome = &v1.RefreshTokensResponse_Inactive{Inactive: inactive}
		said.Answer = inactive.Answer
	case denied != nil:
		said.Outcome = &v1.RefreshTokensResponse_Denied{Denied: denied}
		said.Answer = denied.Answer
	default:
		a.tell(v1.SessionEventKind_SESSION_EVENT_KIND_REFRESHED, found.info.SessionId)
		said.Outcome = &v1.RefreshTokensResponse_Refreshed{Refreshed: &v1.RefreshedTokens{Session: found.info}}
		said.Answer = jsonAnswer(http.StatusOK, map[string]any{"message": "Tokens refreshed", "expires_at": nil})
	}
	return said, nil
}

// GetUserInfo says what the session says.
func (a sessionService) GetUserInfo(ctx context.Context, q *v1.GetUserInfoRequest) (*v1.GetUserInfoResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.GetUserInfoResponse{}
	found, inactive, denied := a.use(q.Cookies, q.Context, requestID(ctx))
	switch {
	case inactive != nil:
		said.Outcome = &v1.GetUserInfoResponse_Inactive{Inactive: inactive}
		said.Answer = inactive.Answer
	case denied != nil:
		said.Outcome = &v1.GetUserInfoResponse_Denied{Denied: denied}
		said.Answer = denied.Answer
	default:
		who := found.identity
		said.Outcome = &v1.GetUserInfoResponse_UserInfo{UserInfo: &v1.UserInfo{Identity: who, Session: found.info}}
		said.Answer = jsonAnswer(http.StatusOK, map[string]any{
			"user_id": who.UserId, "provider": who.Provider, "sub": who.Sub, "email": known(who.Email),
			"email_verified": who.EmailVerified, "name": known(who.Name), "picture": nil, "claims": map[string]any{},
		})
	}
	return said, nil
}

// known is nil for what the provider did not give.
func known(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// GetAccessToken hands out one that names the user.
func (a sessionService) GetAccessToken(
	_ context.Context, q *v1.GetAccessTokenRequest,
) (*v1.GetAccessTokenResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, reason := a.presented(q.Cookies)
	if found == nil {
		inactive := &v1.InactiveSession{Reason: reason}
		return &v1.GetAccessTokenResponse{Outcome: &v1.GetAccessTokenResponse_Inactive{Inactive: inactive}}, nil
	}
	token := &v1.AccessToken{
		Value: "access_" + found.identity.UserId, Type: "Bearer", Scopes: found.identity.Scopes, Audience: q.Audience,
	}
	return &v1.GetAccessTokenResponse{Outcome: &v1.GetAccessTokenResponse_AccessToken{AccessToken: token}}, nil
}

type adminService struct {
	v1.UnimplementedAdminServiceServer
	*Authority
}

// ListSessions has all on one page.
func (a adminService) ListSessions(_ context.Context, q *v1.ListSessionsRequest) (*v1.ListSessionsResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.ListSessionsResponse{AppliedFilter: &v1.SessionFilter{
		UserId: q.UserId, Provider: q.Provider, ProviderSessionId: q.ProviderSessionId,
		CreatedAfter: q.CreatedAfter, CreatedBefore: q.CreatedBefore,
	}}
	for _, one := range a.living() {
		if isListed(said.AppliedFilter, one) {
			said.Sessions = append(said.Sessions, &v1.Session{Identity: one.identity, Info: one.info})
		}
	}
	return said, nil
}

func isListed(asked *v1.SessionFilter, one *session) bool {
	created := one.info.CreateTime.AsTime()
	return (asked.UserId == "" || asked.UserId == one.identity.UserId) &&
		(asked.Provider == "" || asked.Provider == one.identity.Provider) &&
		(asked.ProviderSessionId == "" || asked.ProviderSessionId == one.who.ProviderSession) &&
		(asked.CreatedAfter == nil || !created.Before(asked.CreatedAfter.AsTime())) &&
		(asked.CreatedBefore == nil || created.Before(asked.CreatedBefore.AsTime()))
}

func (a adminService) GetSession(_ context.Context, q *v1.GetSessionRequest) (*v1.GetSessionResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.living() {
		if q.SessionId == one.info.SessionId {
			return &v1.GetSessionResponse{Session: &v1.Session{Identity: one.identity, Info: one.info}}, nil
		}
	}
	return nil, failure(codes.NotFound, gatelodge.ErrSessionNotFound, "No living session has this id.")
}

func (a adminService) Revoke(
	_ context.Context, q *v1.AdminServiceRevokeRequest,
) (*v1.AdminServiceRevokeResponse, error) {
	if q.Target == nil {
		return nil, failure(codes.InvalidArgument, gatelodge.ErrInvalidField, "target is required")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.AdminServiceRevokeResponse{}
	aimed, isCounted := a.aimedAt(q)
	for _, one := range aimed {
		a.end(one, v1.InactiveReason_INACTIVE_REASON_REVOKED)
	}
	if isCounted {
		said.RevokedCount = uint64(len(aimed))
	}
	return said, nil
}

// PreviewRevoke counts what Revoke would end.
func (a adminService) PreviewRevoke(_ context.Context, q *v1.PreviewRevokeRequest) (*v1.PreviewRevokeResponse, error) {
	if q.Target == nil {
		return nil, failure(codes.InvalidArgument, gatelodge.ErrInvalidField, "target is required")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	aimed, _ := a.aimedAt(q)
	return &v1.PreviewRevokeResponse{Count: uint64(len(aimed)), Exact: true}, nil
}

// A target is that of a revocation, or of its preview.
type target interface {
	GetSessionId() string
	GetUserId() string
	GetProviderSession() *v1.ProviderSession
	GetProvider() string
	GetTenant() *v1.WholeTenant
	GetEverything() *v1.Everything
}

// aimedAt returns the sessions that a target names, and whether Revoke counts them.
func (a *Authority) aimedAt(q target) (aimed []*session, isCounted bool) {
	everything, own := q.GetTenant() != nil || q.GetEverything() != nil, q.GetProviderSession()
	for _, one := range a.living() {
		isOwn := own != nil && own.Provider == one.identity.Provider && own.ProviderSessionId == one.who.ProviderSession
		if everything || isOwn || q.GetSessionId() == one.info.SessionId || q.GetUserId() == one.identity.UserId ||
			q.GetProvider() == one.identity.Provider {
			aimed = append(aimed, one)
		}
	}
	return aimed, !everything && q.GetProvider() == ""
}

func (a *Authority) living() []*session {
	var living []*session
	for cookie, one := range a.sessions {
		if !one.isDead() && cookie == one.who.Cookie {
			living = append(living, one)
		}
	}
	slices.SortFunc(living, func(a, b *session) int { return strings.Compare(a.info.SessionId, b.info.SessionId) })
	return living
}
