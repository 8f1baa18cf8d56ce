package gatelodge

import (
	"bytes"

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
// and whoever is asked has to know of it. The answer is nil where the call failed. It is unsure what was done when it
// failed, and when it was sent more than once: a repeat finds nothing left to do, and its answer tells of nothing.
func (k *kept) cameBack(whose reach, question, answer any, isUnsure bool) {
	if info, ok := question.(*v1.GetUserInfoRequest); whose == noSession || ok && !info.GetRefresh() {
		return
	}
	if told, ok := answer.(interface{ GetEventPosition() []byte }); ok {
		k.hasTold(string(told.GetEventPosition()))
	}
	if asked, ok := question.(interface{ GetCookies() []*v1.Cookie }); ok {
		k.forgetCookies(asked.GetCookies())
	}
	target, _ := question.(*v1.SessionServiceRevokeRequest)
	if id := target.GetSessionId(); id != "" {
		k.forgetSession(id)
	}
	if whose.isMore(question, answer, isUnsure) {
		k.forgetAll()
	}
}

// isMore says whether a call may have ended other sessions than those that it presents or names. Anybody can send what
// leads to it, so one that ended none forgets none.
func (r reach) isMore(question, answer any, isUnsure bool) bool {
	counted, _ := answer.(interface{ GetRevokedCount() uint32 })
	switch {
	case r == presentedSession:
		return false
	case isUnsure || r == anySession:
		return true
	case r == loggedOutSession:
		logout, _ := question.(*v1.StartLogoutRequest)
		count := counted.GetRevokedCount()
		return count > 1 || count > 0 && bytes.Contains(logout.GetQuery(), everywhere)
	case r == toldSession:
		return counted.GetRevokedCount() > 0
	}
	asked, _ := question.(*v1.SessionServiceRevokeRequest)
	switch asked.GetTarget().(type) {
	case *v1.SessionServiceRevokeRequest_PresentedSession, *v1.SessionServiceRevokeRequest_SessionId:
		return false
	}
	said, _ := answer.(*v1.SessionServiceRevokeResponse)
	return said.GetInactive() == nil && said.GetDenied() == nil
}
