package gatelodgetest

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/grpc/codes"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// Whoever was signed in is a user, until they are deleted.

// GetUser says of a user who was deleted that they were.
func (a adminService) GetUser(_ context.Context, q *v1.GetUserRequest) (*v1.GetUserResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user, err := a.user(q.UserId)
	if err != nil {
		return nil, err
	}
	return &v1.GetUserResponse{User: user}, nil
}

// ListUsers has all on one page.
func (a adminService) ListUsers(context.Context, *v1.ListUsersRequest) (*v1.ListUsersResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []string
	for _, one := range a.sessions {
		if a.users[one.identity.UserId] != v1.UserState_USER_STATE_DELETED {
			ids = append(ids, one.identity.UserId)
		}
	}
	slices.Sort(ids)
	said := &v1.ListUsersResponse{}
	for _, id := range slices.Compact(ids) {
		user, err := a.user(id)
		if err != nil {
			return nil, err
		}
		said.Users = append(said.Users, user)
	}
	return said, nil
}

// ListAudit has nothing to list: the fake writes nothing down.
func (a adminService) ListAudit(context.Context, *v1.ListAuditRequest) (*v1.ListAuditResponse, error) {
	return nil, auditIsOff()
}

// ExplainLogin knows as little.
func (a adminService) ExplainLogin(context.Context, *v1.ExplainLoginRequest) (*v1.ExplainLoginResponse, error) {
	return nil, auditIsOff()
}

func auditIsOff() error {
	return failure(codes.FailedPrecondition, gatelodge.ErrAuditOff, "This authority keeps no audit entries.")
}

// DisableUser ends every session of a user.
func (a adminService) DisableUser(_ context.Context, q *v1.DisableUserRequest) (*v1.DisableUserResponse, error) {
	ended, err := a.become(q.UserId, v1.UserState_USER_STATE_DISABLED)
	if err != nil {
		return nil, err
	}
	return &v1.DisableUserResponse{RevokedCount: ended}, nil
}

// EnableUser takes back what DisableUser said.
func (a adminService) EnableUser(_ context.Context, q *v1.EnableUserRequest) (*v1.EnableUserResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.user(q.UserId); err != nil {
		return nil, err
	}
	a.users[q.UserId] = v1.UserState_USER_STATE_ACTIVE
	return &v1.EnableUserResponse{}, nil
}

// DeleteUser ends every session of a user, too.
func (a adminService) DeleteUser(_ context.Context, q *v1.DeleteUserRequest) (*v1.DeleteUserResponse, error) {
	ended, err := a.become(q.UserId, v1.UserState_USER_STATE_DELETED)
	if err != nil {
		return nil, err
	}
	return &v1.DeleteUserResponse{RevokedCount: ended}, nil
}

// CreateCallerKey keeps a key's facts. The key that it tells opens nothing here.
func (a adminService) CreateCallerKey(_ context.Context, q *v1.CreateCallerKeyRequest) (*v1.CreateCallerKeyResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := &v1.CallerKey{
		KeyId: "key_" + q.Name, Name: q.Name, Caller: "default/" + q.Name, Role: q.Role, Rpcs: q.Rpcs, Tenants: q.Tenants,
	}
	a.callerKeys[key.KeyId] = key
	return &v1.CreateCallerKeyResponse{Key: key, ApiKey: "glk_" + q.Name}, nil
}

// ListCallerKeys tells what CreateCallerKey has kept.
func (a adminService) ListCallerKeys(context.Context, *v1.ListCallerKeysRequest) (*v1.ListCallerKeysResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &v1.ListCallerKeysResponse{Keys: slices.Collect(maps.Values(a.callerKeys))}, nil
}

// RevokeCallerKey forgets a key.
func (a adminService) RevokeCallerKey(_ context.Context, q *v1.RevokeCallerKeyRequest) (*v1.RevokeCallerKeyResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.callerKeys[q.KeyId]
	delete(a.callerKeys, q.KeyId)
	return &v1.RevokeCallerKeyResponse{Revoked: known}, nil
}

// become lets nobody go on with a session of a user's, and says how many there were.
func (a *Authority) become(userID string, state v1.UserState) (ended uint64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.user(userID); err != nil {
		return 0, err
	}
	a.users[userID] = state
	for _, one := range a.living() {
		if one.identity.UserId == userID {
			a.end(one, v1.InactiveReason_INACTIVE_REASON_REVOKED)
			ended++
		}
	}
	return ended, nil
}

// user returns what is known of one. The caller holds the lock.
func (a *Authority) user(id string) (*v1.User, error) {
	state := a.users[id]
	if state == v1.UserState_USER_STATE_UNSPECIFIED {
		state = v1.UserState_USER_STATE_ACTIVE
	}
	for _, one := range a.sessions {
		who := one.identity
		switch {
		case who.UserId != id:
		case state == v1.UserState_USER_STATE_DELETED:
			return &v1.User{UserId: id, State: state}, nil
		default:
			return &v1.User{
				UserId: id, State: state, Provider: who.Provider, Issuer: who.Issuer, Sub: who.Sub, Email: who.Email,
				EmailVerified: who.EmailVerified, Name: who.Name,
			}, nil
		}
	}
	return nil, failure(codes.NotFound, gatelodge.ErrUserNotFound, "No user has this id.")
}
