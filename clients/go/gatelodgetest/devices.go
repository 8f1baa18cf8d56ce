package gatelodgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// ListUserSessions has all on one page.
func (a sessionService) ListUserSessions(
	ctx context.Context, q *v1.ListUserSessionsRequest,
) (*v1.ListUserSessionsResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.ListUserSessionsResponse{}
	found, inactive, denied := a.use(q.Cookies, q.Context, requestID(ctx))
	switch {
	case inactive != nil:
		said.Outcome = &v1.ListUserSessionsResponse_Inactive{Inactive: inactive}
		said.Answer = inactive.Answer
	case denied != nil:
		said.Outcome = &v1.ListUserSessionsResponse_Denied{Denied: denied}
		said.Answer = denied.Answer
	default:
		listed, told := &v1.UserSessions{}, []map[string]any{}
		for _, one := range a.ofUser(found) {
			listed.Sessions = append(listed.Sessions, &v1.UserSession{Session: one.info, Current: one == found})
			told = append(told, map[string]any{
				"session_id": one.info.SessionId, "current": one == found, "device": "Unknown device", "place": "",
				"client_address": "", "created": one.info.CreateTime.Seconds, "last_active": one.info.LastActiveTime.Seconds,
				"idle_end": one.info.IdleExpireTime.Seconds, "absolute_end": one.info.AbsoluteExpireTime.Seconds,
			})
		}
		said.Outcome = &v1.ListUserSessionsResponse_UserSessions{UserSessions: listed}
		said.Answer = jsonAnswer(http.StatusOK, map[string]any{"sessions": told, "next_page_token": ""})
	}
	return said, nil
}

func (a sessionService) Revoke(
	ctx context.Context, q *v1.SessionServiceRevokeRequest,
) (*v1.SessionServiceRevokeResponse, error) {
	if q.Target == nil {
		return nil, failure(codes.InvalidArgument, gatelodge.ErrInvalidField, "target is required")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.SessionServiceRevokeResponse{}
	found, inactive, denied := a.use(q.Cookies, q.Context, requestID(ctx))
	switch {
	case inactive != nil:
		if q.GetPresentedSession() == nil {
			said.Inactive = inactive
		}
		said.Answer = inactive.Answer
		return said, nil
	case denied != nil:
		said.Denied, said.Answer = denied, denied.Answer
		return said, nil
	}
	end, ok := aim(q, found)
	if !ok {
		detail, remedy := "The request can't be read", "Send end: a session's public id, or others."
		said.Answer = problem(http.StatusBadRequest, "request_malformed", detail, remedy, requestID(ctx))
		return said, nil
	}
	for _, one := range a.ofUser(found) {
		if end == one.info.SessionId || end == others && one != found {
			a.end(one, v1.InactiveReason_INACTIVE_REASON_REVOKED)
			said.RevokedCount++
		}
	}
	if q.Context != nil {
		message := fmt.Sprintf("%d sessions were ended", said.RevokedCount)
		said.Answer = jsonAnswer(http.StatusOK, map[string]any{"message": message, "revoked_count": said.RevokedCount})
		if found.isDead() {
			said.Answer.SetCookies = []string{a.setCookie(a.settings.SessionCookieNames[0], "", -1)}
		}
	}
	return said, nil
}

const others = "others"

// aim returns the public id of the session to end, or others.
func aim(q *v1.SessionServiceRevokeRequest, presented *session) (string, bool) {
	switch target := q.Target.(type) {
	case *v1.SessionServiceRevokeRequest_SessionId:
		return target.SessionId, true
	case *v1.SessionServiceRevokeRequest_AllOthers:
		return others, true
	case *v1.SessionServiceRevokeRequest_Form:
		values, err := url.ParseQuery(string(target.Form))
		end := values.Get("end")
		return end, err == nil && isAim(end)
	case *v1.SessionServiceRevokeRequest_Json:
		var said struct{ End string }
		err := json.Unmarshal(target.Json, &said)
		return said.End, err == nil && isAim(said.End)
	}
	return presented.info.SessionId, true
}

func isAim(end string) bool { return end == others || strings.HasPrefix(end, "sid_") }

func (a *Authority) ofUser(found *session) []*session {
	return slices.DeleteFunc(a.living(), func(one *session) bool { return one.identity.UserId != found.identity.UserId })
}
