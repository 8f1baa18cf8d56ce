package gatelodge

import (
	"bytes"

	"google.golang.org/grpc/codes"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// reach is which sessions a call may end or change: "What you ended yourself" in clients/README.md.
type reach int

const (
	noSession        reach = iota
	presentedSession       // changes the one that its cookies present
	loggedOutSession       // ends that one and, where the logout says so, the user's others
	targetSession          // ends what its target names
	toldSession            // ends what a provider says has ended there
	anySession             // ends any
)

// everywhere is the parameter of a logout that ends more than the session that is presented.
var everywhere = []byte("everywhere")

// cameBack is for a call of this client's own that has come back: what it may have ended or changed is asked about anew,
// and whoever is asked has to know of it. The answer counts where there is no failure.
func (k *kept) cameBack(whose reach, question, answer any, failure *Error, isRepeated bool) {
	if info, ok := question.(*v1.GetUserInfoRequest); whose == noSession || ok && !info.GetRefresh() {
		return
	}
	if failure != nil {
		answer = nil
	}
	if told, ok := answer.(interface{ GetEventPosition() []byte }); ok {
		k.hasTold(string(told.GetEventPosition()))
	}
	if asked, ok := question.(interface{ GetCookies() []*v1.Cookie }); ok {
		k.forgetCookies(asked.GetCookies())
	}
	switch {
	case whose == presentedSession:
	case isRepeated:
		k.forgetAll() // a repeat finds nothing left to end, and its answer tells of nothing
	case failure != nil:
		if !failure.saysNothingWasDone(whose) {
			k.forgetAll()
		}
	default:
		k.forgetEnded(whose, question, answer)
	}
}

// saysNothingWasDone says whether a call that was sent once has ended nothing. Anybody can send what fails so.
func (e *Error) saysNothingWasDone(whose reach) bool {
	switch e.Code {
	case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.FailedPrecondition, codes.Unimplemented:
		return true
	}
	return e.Reason == ErrOverloaded || whose == toldSession && e.Reason == ErrProviderUnavailable
}

// forgetEnded forgets what an answer says has ended, beyond the session that was presented. Anybody can send what leads
// to it, so a call that ended none forgets none.
func (k *kept) forgetEnded(whose reach, question, answer any) {
	counted, _ := answer.(interface{ GetRevokedCount() uint32 })
	switch whose {
	case loggedOutSession:
		logout, _ := question.(*v1.StartLogoutRequest)
		count := counted.GetRevokedCount()
		if count > 1 || count > 0 && bytes.Contains(logout.GetQuery(), everywhere) {
			k.forgetAll()
		}
	case toldSession:
		if counted.GetRevokedCount() > 0 {
			k.forgetAll()
		}
	case targetSession:
		if counted.GetRevokedCount() == 0 {
			return
		}
		asked, _ := question.(*v1.SessionServiceRevokeRequest)
		switch target := asked.GetTarget().(type) {
		case *v1.SessionServiceRevokeRequest_PresentedSession:
		case *v1.SessionServiceRevokeRequest_SessionId:
			k.forgetSession(target.SessionId)
		default:
			k.forgetAll()
		}
	default:
		k.forgetAll()
	}
}
