package gatelodgetest

import (
	"context"
	"maps"

	"google.golang.org/grpc/codes"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// GetAttributes says what the application keeps with the session.
func (a sessionService) GetAttributes(
	ctx context.Context, q *v1.GetAttributesRequest,
) (*v1.GetAttributesResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.GetAttributesResponse{}
	found, inactive, denied := a.use(q.Cookies, q.Context, requestID(ctx))
	switch {
	case inactive != nil:
		said.Outcome = &v1.GetAttributesResponse_Inactive{Inactive: inactive}
	case denied != nil:
		said.Outcome = &v1.GetAttributesResponse_Denied{Denied: denied}
	default:
		said.Outcome = &v1.GetAttributesResponse_Attributes{Attributes: found.attributes}
	}
	return said, nil
}

// UpdateAttributes changes it, if nobody has changed it since it was read.
func (a sessionService) UpdateAttributes(
	ctx context.Context, q *v1.UpdateAttributesRequest,
) (*v1.UpdateAttributesResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := &v1.UpdateAttributesResponse{}
	found, inactive, denied := a.use(q.Cookies, q.Context, requestID(ctx))
	switch {
	case inactive != nil:
		said.Outcome = &v1.UpdateAttributesResponse_Inactive{Inactive: inactive}
		return said, nil
	case denied != nil:
		said.Outcome = &v1.UpdateAttributesResponse_Denied{Denied: denied}
		return said, nil
	case q.ExpectedVersion != found.attributes.GetVersion():
		return nil, failure(codes.Aborted, gatelodge.ErrVersionConflict, "The attributes have another version by now.")
	}
	// Another message than the one that was answered before.
	now := &v1.Attributes{Values: maps.Clone(found.attributes.GetValues()), Version: q.ExpectedVersion + 1}
	if now.Values == nil {
		now.Values = map[string][]byte{}
	}
	maps.Copy(now.Values, q.Set)
	for _, name := range q.Remove {
		delete(now.Values, name)
	}
	found.attributes = now
	a.tell(v1.SessionEventKind_SESSION_EVENT_KIND_CHANGED, found.info.SessionId)
	said.Outcome = &v1.UpdateAttributesResponse_Attributes{Attributes: now}
	return said, nil
}
