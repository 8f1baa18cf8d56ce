// Package scenarios makes at a fake authority what clients/scenarios.json says is given: clients/scenarios.schema.json says
// what each word means.
package scenarios

import (
	"fmt"
	"time"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
)

// Given is what a scenario begins with.
type Given struct {
	Sessions  []Session
	Tokens    []Token
	Authority string
}

// A Session is one of those that a scenario begins with.
type Session struct {
	Person
	Cookie          string
	Name, Provider  string
	State           string
	CSRFToken       string `json:"csrf_token"`
	RenewedCookie   string `json:"renewed_cookie"`
	ProviderSession string `json:"provider_session"`
}

// A Token is one of the bearer tokens that a scenario begins with.
type Token struct {
	Person
	Token     string
	ClientID  string `json:"client_id"`
	Audiences []string
	State     string
}

// A Person is whom a session or a token is of.
type Person struct {
	UserID          string `json:"user_id"`
	Email           string
	EmailVerified   *bool `json:"email_verified"`
	Scopes          []string
	Permissions     []string
	Roles           []string
	ACR             string
	AMR             []string
	LoginAgeSeconds int `json:"login_age_seconds"`
}

func (p Person) loginTime() time.Time {
	return time.Now().Add(-time.Duration(p.LoginAgeSeconds) * time.Second)
}

func (p Person) isUnverified() bool { return p.EmailVerified != nil && !*p.EmailVerified }

// A Change is what becomes different before a further request. Empty fields change nothing.
type Change struct {
	Authority   string
	States      map[string]string
	TokenStates map[string]string `json:"token_states"`
}

// A Stage is a fake authority with what is given at it.
type Stage struct {
	authority *gatelodgetest.Authority
	signedIn  map[string]*gatelodgetest.SignedIn
}

// Begin makes what is given at an authority of which nothing is known yet.
func Begin(authority *gatelodgetest.Authority, given Given) (*Stage, error) {
	s := &Stage{authority: authority, signedIn: map[string]*gatelodgetest.SignedIn{}}
	for _, one := range given.Sessions {
		state, err := inactive(one.State)
		if err != nil {
			return nil, err
		}
		s.signedIn[one.Cookie] = authority.SignIn(gatelodgetest.Session{
			UserID: one.UserID, Email: one.Email, EmailUnverified: one.isUnverified(), Name: one.Name,
			Provider: one.Provider, Scopes: one.Scopes, Permissions: one.Permissions, Roles: one.Roles, ACR: one.ACR,
			AMR: one.AMR, LoginTime: one.loginTime(), Inactive: state, Cookie: one.Cookie, CSRFToken: one.CSRFToken,
			RenewedCookie: one.RenewedCookie, ProviderSession: one.ProviderSession,
		})
	}
	for _, one := range given.Tokens {
		state, err := inactiveToken(one.State)
		if err != nil {
			return nil, err
		}
		authority.IssueToken(gatelodgetest.Token{
			Token: one.Token, UserID: one.UserID, IsProgram: one.UserID == "", ClientID: one.ClientID,
			Audiences: one.Audiences, Email: one.Email, EmailUnverified: one.isUnverified(), Scopes: one.Scopes,
			Permissions: one.Permissions, Roles: one.Roles, ACR: one.ACR, AMR: one.AMR, LoginTime: one.loginTime(),
			Inactive: state,
		})
	}
	return s, s.Change(Change{Authority: given.Authority})
}

// Change makes it so.
func (s *Stage) Change(change Change) error {
	for cookie, name := range change.States {
		state, err := inactive(name)
		if err != nil {
			return err
		}
		who := s.signedIn[cookie]
		if who == nil {
			return fmt.Errorf("no session has the cookie %q", cookie)
		}
		who.SetInactive(state)
	}
	for token, name := range change.TokenStates {
		state, err := inactiveToken(name)
		if err != nil {
			return err
		}
		s.authority.SetTokenInactive(token, state)
	}
	switch change.Authority {
	case "":
	case "up":
		s.authority.Back()
	case "away":
		s.authority.Away()
	case "slow":
		s.authority.Slow()
	default:
		return fmt.Errorf("an authority can't be %q", change.Authority)
	}
	return nil
}

var states = map[string]v1.InactiveReason{
	"": 0, "active": 0,
	"ended":       v1.InactiveReason_INACTIVE_REASON_ENDED,
	"expired":     v1.InactiveReason_INACTIVE_REASON_EXPIRED,
	"idle":        v1.InactiveReason_INACTIVE_REASON_IDLE,
	"revoked":     v1.InactiveReason_INACTIVE_REASON_REVOKED,
	"fingerprint": v1.InactiveReason_INACTIVE_REASON_FINGERPRINT,
}

func inactive(state string) (v1.InactiveReason, error) {
	reason, known := states[state]
	if !known {
		return 0, fmt.Errorf("no state is called %q", state)
	}
	return reason, nil
}

var tokenStates = map[string]v1.TokenInactiveReason{
	"": 0, "active": 0,
	"expired":   v1.TokenInactiveReason_TOKEN_INACTIVE_REASON_EXPIRED,
	"withdrawn": v1.TokenInactiveReason_TOKEN_INACTIVE_REASON_ENDED,
}

func inactiveToken(state string) (v1.TokenInactiveReason, error) {
	reason, known := tokenStates[state]
	if !known {
		return 0, fmt.Errorf("no state of a token is called %q", state)
	}
	return reason, nil
}
