package gatelodge

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A Requirement is what a route needs beyond a living session, for [Gate.Require] and its like.
type Requirement interface{ ofSession(needed *v1.Requirements) }

// A TokenRequirement is what a route needs beyond a good bearer token, for [Client.RequireToken] and its like.
type TokenRequirement interface {
	ofToken(question *v1.ValidateTokenRequest)
}

// A SharedRequirement may be asked of a session and of a bearer token.
type SharedRequirement interface {
	Requirement
	TokenRequirement
}

// Scopes lets only sessions and tokens through that were granted all of these.
func Scopes(scopes ...string) SharedRequirement { return neededScopes(scopes) }

// MaxLoginAge lets only sessions and tokens through whose user authenticated at most this long ago, in whole seconds and
// one at least; others are sent to log in again.
func MaxLoginAge(age time.Duration) SharedRequirement {
	return neededAge(max(time.Second, age.Truncate(time.Second)))
}

// CSRFRequired asks for a CSRF token whatever the method. The default is to ask for all but GET, HEAD, OPTIONS and TRACE.
func CSRFRequired() Requirement { return neededCSRF(v1.CsrfRequirement_CSRF_REQUIREMENT_REQUIRED) }

// CSRFNotRequired asks for no CSRF token and has no origin judged, for routes that are guarded in another way.
func CSRFNotRequired() Requirement {
	return neededCSRF(v1.CsrfRequirement_CSRF_REQUIREMENT_NOT_REQUIRED)
}

// Permissions lets only tokens through that have all of these.
func Permissions(permissions ...string) TokenRequirement {
	return neededOfToken(func(question *v1.ValidateTokenRequest) {
		question.Requirements.Permissions = append(question.Requirements.Permissions, permissions...)
	})
}

// Audience lets only tokens through that are for this audience, instead of any of the authority's configuration.
func Audience(audience string) TokenRequirement {
	return neededOfToken(func(question *v1.ValidateTokenRequest) { question.Requirements.Audience = audience })
}

// TokensOf takes tokens for those of this provider instead of going by the issuer that they name. It is needed only for
// opaque tokens where several providers are asked about theirs.
func TokensOf(provider string) TokenRequirement {
	return neededOfToken(func(question *v1.ValidateTokenRequest) { question.Provider = provider })
}

type (
	neededScopes  []string
	neededAge     time.Duration
	neededCSRF    v1.CsrfRequirement
	neededOfToken func(*v1.ValidateTokenRequest)
)

func (s neededScopes) ofSession(needed *v1.Requirements) { needed.Scopes = append(needed.Scopes, s...) }
func (a neededAge) ofSession(needed *v1.Requirements) {
	needed.MaxLoginAge = durationpb.New(time.Duration(a))
}
func (c neededCSRF) ofSession(needed *v1.Requirements) { needed.Csrf = v1.CsrfRequirement(c) }

func (s neededScopes) ofToken(question *v1.ValidateTokenRequest) {
	question.Requirements.Scopes = append(question.Requirements.Scopes, s...)
}

func (a neededAge) ofToken(question *v1.ValidateTokenRequest) {
	question.Requirements.MaxLoginAge = durationpb.New(time.Duration(a))
}

func (f neededOfToken) ofToken(question *v1.ValidateTokenRequest) { f(question) }

func requirements(needs []Requirement) *v1.Requirements {
	all := &v1.Requirements{}
	for _, need := range needs {
		need.ofSession(all)
	}
	return all
}
