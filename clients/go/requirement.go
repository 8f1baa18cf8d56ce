package gatelodge

import (
	"slices"
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
func Scopes(scopes ...string) SharedRequirement {
	return neededOfBoth(func(needed fields) { add(needed.scopes, scopes) })
}

// AnyScopes lets only sessions and tokens through that were granted one of these scopes at least.
func AnyScopes(scopes ...string) SharedRequirement {
	return neededOfBoth(func(needed fields) { add(needed.anyScopes, scopes) })
}

// Permissions lets only sessions and tokens through whose user, or which, have all of these.
func Permissions(permissions ...string) SharedRequirement {
	return neededOfBoth(func(needed fields) { add(needed.permissions, permissions) })
}

// AnyPermissions lets only sessions and tokens through that have one of these permissions at least.
func AnyPermissions(permissions ...string) SharedRequirement {
	return neededOfBoth(func(needed fields) { add(needed.anyPermissions, permissions) })
}

// Roles lets only sessions and tokens through whose user has all of these roles.
func Roles(roles ...string) SharedRequirement {
	return neededOfBoth(func(needed fields) { add(needed.roles, roles) })
}

// EmailVerified lets only sessions and tokens through whose provider says that it verified the email address.
func EmailVerified() SharedRequirement {
	return neededOfBoth(func(needed fields) { *needed.emailVerified = true })
}

// ACRValues lets only sessions and tokens through whose login had one of these authentication context classes, the
// preferred one first. Others are sent to log in in that way, and come back with the same session.
func ACRValues(values ...string) SharedRequirement {
	return neededOfBoth(func(needed fields) { add(needed.acrValues, values) })
}

// AMRValues lets only sessions and tokens through whose user logged in by all of these authentication methods (RFC 8176),
// such as "otp"; others are sent to log in again.
func AMRValues(values ...string) SharedRequirement {
	return neededOfBoth(func(needed fields) { add(needed.amrValues, values) })
}

// MaxLoginAge lets only sessions and tokens through whose user authenticated at most this long ago, in whole seconds and
// one at least; others are sent to log in again.
func MaxLoginAge(age time.Duration) SharedRequirement {
	longest := durationpb.New(max(time.Second, age.Truncate(time.Second)))
	return neededOfBoth(func(needed fields) { *needed.maxLoginAge = longest })
}

// CSRFRequired asks for a CSRF token whatever the method. The default is to ask for all but GET, HEAD, OPTIONS and TRACE.
func CSRFRequired() Requirement { return neededCSRF(v1.CsrfRequirement_CSRF_REQUIREMENT_REQUIRED) }

// CSRFNotRequired asks for no CSRF token and has no origin judged, for routes that are guarded in another way.
func CSRFNotRequired() Requirement {
	return neededCSRF(v1.CsrfRequirement_CSRF_REQUIREMENT_NOT_REQUIRED)
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
	neededOfBoth  func(fields)
	neededCSRF    v1.CsrfRequirement
	neededOfToken func(*v1.ValidateTokenRequest)
)

// fields are those that the requirements of sessions and of tokens both have.
type fields struct {
	scopes, anyScopes, permissions, anyPermissions, roles, acrValues, amrValues *[]string

	emailVerified *bool
	maxLoginAge   **durationpb.Duration
}

func (f neededOfBoth) ofSession(needed *v1.Requirements) {
	f(fields{
		scopes: &needed.Scopes, anyScopes: &needed.AnyScopes, permissions: &needed.Permissions,
		anyPermissions: &needed.AnyPermissions, roles: &needed.Roles, acrValues: &needed.AcrValues,
		amrValues: &needed.AmrValues, emailVerified: &needed.EmailVerified, maxLoginAge: &needed.MaxLoginAge,
	})
}

func (f neededOfBoth) ofToken(question *v1.ValidateTokenRequest) {
	needed := question.Requirements
	f(fields{
		scopes: &needed.Scopes, anyScopes: &needed.AnyScopes, permissions: &needed.Permissions,
		anyPermissions: &needed.AnyPermissions, roles: &needed.Roles, acrValues: &needed.AcrValues,
		amrValues: &needed.AmrValues, emailVerified: &needed.EmailVerified, maxLoginAge: &needed.MaxLoginAge,
	})
}

func add(to *[]string, names []string) { *to = append(*to, names...) }

func (c neededCSRF) ofSession(needed *v1.Requirements) { needed.Csrf = v1.CsrfRequirement(c) }

func (f neededOfToken) ofToken(question *v1.ValidateTokenRequest) { f(question) }

func requirements(needs []Requirement) *v1.Requirements {
	all := &v1.Requirements{}
	for _, need := range needs {
		need.ofSession(all)
	}
	return all
}

// named is what was asked for, or what was judged: the messages of sessions and of tokens have these alike.
type named interface {
	GetScopes() []string
	GetAnyScopes() []string
	GetPermissions() []string
	GetAnyPermissions() []string
	GetRoles() []string
	GetAcrValues() []string
	GetAmrValues() []string
	GetEmailVerified() bool
	GetMaxLoginAge() *durationpb.Duration
}

// areJudged says whether an answer has judged all that was asked for beside CSRF tokens and audiences.
func areJudged(asked, judged named) bool {
	return allOf(asked.GetScopes(), judged.GetScopes()) &&
		oneOf(asked.GetAnyScopes(), judged.GetAnyScopes()) &&
		allOf(asked.GetPermissions(), judged.GetPermissions()) &&
		oneOf(asked.GetAnyPermissions(), judged.GetAnyPermissions()) &&
		allOf(asked.GetRoles(), judged.GetRoles()) &&
		oneOf(asked.GetAcrValues(), judged.GetAcrValues()) &&
		allOf(asked.GetAmrValues(), judged.GetAmrValues()) &&
		(judged.GetEmailVerified() || !asked.GetEmailVerified()) &&
		isAsFresh(asked.GetMaxLoginAge(), judged.GetMaxLoginAge())
}

// allOf says whether each that was asked for is among those that were judged.
func allOf(asked, judged []string) bool {
	return !slices.ContainsFunc(asked, func(one string) bool { return !slices.Contains(judged, one) })
}

// oneOf says whether one of those that were asked for was found, and not one of a longer list.
func oneOf(asked, judged []string) bool {
	return len(asked) == 0 || len(judged) > 0 && allOf(judged, asked)
}

func isAsFresh(asked, judged *durationpb.Duration) bool {
	return asked == nil || judged != nil && judged.AsDuration() <= asked.AsDuration()
}
