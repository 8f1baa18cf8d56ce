package gatelodgetest

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A lack is what somebody lacks of what is needed of them.
type lack struct {
	reason  v1.DeniedReason
	detail  string
	missing []string
}

// needed is what the requirements of sessions and of tokens both have.
type needed interface {
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

// lackOf returns what somebody lacks, in the order in which a person would mend it; nil when it is nothing.
func lackOf(needed needed, who *v1.Identity, permissions []string) *lack {
	for _, row := range []struct {
		allOf, oneOf, there []string
		reason              v1.DeniedReason
		detail              string
	}{
		{needed.GetScopes(), needed.GetAnyScopes(), who.Scopes, v1.DeniedReason_DENIED_REASON_SCOPE_MISSING, "Missing scope: "},
		{
			needed.GetPermissions(), needed.GetAnyPermissions(), permissions,
			v1.DeniedReason_DENIED_REASON_PERMISSION_MISSING, "Missing permission: ",
		},
		{needed.GetRoles(), nil, who.Roles, v1.DeniedReason_DENIED_REASON_ROLE_MISSING, "Missing role: "},
	} {
		if missing := missing(row.allOf, row.oneOf, row.there); len(missing) > 0 {
			return &lack{row.reason, row.detail + strings.Join(missing, " "), missing}
		}
	}
	if needed.GetEmailVerified() && !who.EmailVerified {
		return &lack{v1.DeniedReason_DENIED_REASON_EMAIL_NOT_VERIFIED, "A verified email address is needed", nil}
	}
	if missing := missing(nil, needed.GetAcrValues(), []string{who.Acr}); len(missing) > 0 {
		return &lack{v1.DeniedReason_DENIED_REASON_ACR_MISSING, "A stronger login is needed", missing}
	}
	if missing := missing(needed.GetAmrValues(), nil, who.Amr); len(missing) > 0 {
		detail := "A login is needed that uses " + strings.Join(missing, " and ")
		return &lack{v1.DeniedReason_DENIED_REASON_AMR_MISSING, detail, missing}
	}
	if age := needed.GetMaxLoginAge(); age != nil && time.Since(who.AuthTime.AsTime()) > age.AsDuration() {
		return &lack{v1.DeniedReason_DENIED_REASON_LOGIN_TOO_OLD, "A fresh login is needed", nil}
	}
	return nil
}

// missing returns those that are not there; where one of several would do, all of those.
func missing(allOf, oneOf, there []string) []string {
	isThere := func(name string) bool { return slices.Contains(there, name) }
	if missing := slices.DeleteFunc(slices.Clone(allOf), isThere); len(missing) > 0 || slices.ContainsFunc(oneOf, isThere) {
		return missing
	}
	return oneOf
}

// isMendedByLogin says whether another login would do.
func isMendedByLogin(reason v1.DeniedReason) bool {
	switch reason {
	case v1.DeniedReason_DENIED_REASON_ACR_MISSING, v1.DeniedReason_DENIED_REASON_AMR_MISSING,
		v1.DeniedReason_DENIED_REASON_LOGIN_TOO_OLD:
		return true
	}
	return false
}

// publicName is how answers call a reason: scope_missing.
func publicName(reason v1.DeniedReason) string {
	return strings.ToLower(strings.TrimPrefix(reason.String(), "DENIED_REASON_"))
}
