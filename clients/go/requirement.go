package gatelodge

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A Requirement is what a route needs beyond a living session.
type Requirement func(*v1.Requirements)

// Scopes lets only sessions through that were granted all of these.
func Scopes(scopes ...string) Requirement {
	return func(r *v1.Requirements) { r.Scopes = append(r.Scopes, scopes...) }
}

// MaxLoginAge lets only sessions through whose user authenticated at most this long ago, in whole seconds and one at
// least; others are sent to log in again.
func MaxLoginAge(age time.Duration) Requirement {
	return func(r *v1.Requirements) { r.MaxLoginAge = durationpb.New(max(time.Second, age.Truncate(time.Second))) }
}

// CSRFRequired asks for a CSRF token whatever the method. The default is to ask for all but GET, HEAD, OPTIONS and TRACE.
func CSRFRequired() Requirement {
	return func(r *v1.Requirements) { r.Csrf = v1.CsrfRequirement_CSRF_REQUIREMENT_REQUIRED }
}

// CSRFNotRequired asks for no CSRF token and has no origin judged, for routes that are guarded in another way.
func CSRFNotRequired() Requirement {
	return func(r *v1.Requirements) { r.Csrf = v1.CsrfRequirement_CSRF_REQUIREMENT_NOT_REQUIRED }
}

func requirements(needs []Requirement) *v1.Requirements {
	all := &v1.Requirements{}
	for _, need := range needs {
		need(all)
	}
	return all
}
