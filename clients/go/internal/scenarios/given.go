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
	Authority string
}

// A Session is one of those that a scenario begins with.
type Session struct {
	Cookie          string
	UserID          string `json:"user_id"`
	Email, Name     string
	Provider        string
	Scopes          []string
	State           string
	LoginAgeSeconds int    `json:"login_age_seconds"`
	CSRFToken       string `json:"csrf_token"`
	RenewedCookie   string `json:"renewed_cookie"`
}

// A Change is what becomes different before a further request. Empty fields change nothing.
type Change struct {
	Authority string
	States    map[string]string
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
			UserID: one.UserID, Email: one.Email, Name: one.Name, Provider: one.Provider, Scopes: one.Scopes,
			LoginTime: time.Now().Add(-time.Duration(one.LoginAgeSeconds) * time.Second), Inactive: state,
			Cookie: one.Cookie, CSRFToken: one.CSRFToken, RenewedCookie: one.RenewedCookie,
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
