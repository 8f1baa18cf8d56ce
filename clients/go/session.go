package gatelodge

import (
	"context"
	"log/slog"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A Session is a living session that meets every requirement which was asked for. It holds no secret. It may be shared:
// do not change it.
type Session struct {
	// UserID is the user's stable id, "<provider>_<sub>": the key to keep a user's own data under.
	UserID string
	// Email is empty when the provider gave none. It is no identity: it may change hands.
	Email string
	// Name is the display name; empty when the provider gave none.
	Name string
	// Provider is the provider's name in the authority's configuration.
	Provider string
	// Scopes are those that were granted.
	Scopes []string
	// Roles and Permissions are the user's, by the provider's word.
	Roles, Permissions []string
	// ID is the public session id, "sid_...": safe to log, and what AdminService takes.
	ID string
	// Identity is all that the provider said: how the user logged in (Acr, Amr), and whether the address is verified.
	Identity *v1.Identity
	// Info is the session's facts: its times.
	Info *v1.SessionInfo
}

func newSession(identity *v1.Identity, info *v1.SessionInfo) *Session {
	return &Session{
		UserID:      identity.GetUserId(),
		Email:       identity.GetEmail(),
		Name:        identity.GetName(),
		Provider:    identity.GetProvider(),
		Scopes:      identity.GetScopes(),
		Roles:       identity.GetRoles(),
		Permissions: identity.GetPermissions(),
		ID:          info.GetSessionId(),
		Identity:    identity,
		Info:        info,
	}
}

// LogValue shows whose session it is, and nothing personal beyond.
func (s *Session) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user_id", s.UserID), slog.String("session_id", s.ID))
}

type sessionKey struct{}

// SessionFrom returns the session behind a request, as [Gate.Sessions], [Gate.Require] and the gRPC interceptors put it
// into the context. It is nil and false when nobody is logged in.
func SessionFrom(ctx context.Context) (*Session, bool) {
	session, _ := ctx.Value(sessionKey{}).(*Session)
	return session, session != nil
}

// ContextWithSession returns a context with a session in it, for tests of handlers. Nil takes away one that is there.
func ContextWithSession(ctx context.Context, session *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, session)
}
