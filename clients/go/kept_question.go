package gatelodge

import (
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/proto"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// Answers to questions that are larger are not kept: cookies and headers may be 4 kB each, and the room is bounded.
const longestKey = 4096

// appendKey appends all that the answer to a question depends on, and says whether it may be kept at all. It may not when
// the answer carries a token of its own, when the request changes something, and when the caller watches by itself.
//
// What is left out of the context says how to answer who has no session; what is in it is what a client is known by.
func appendKey(key []byte, question *v1.ValidateSessionRequest) ([]byte, bool) {
	context := question.GetContext()
	if len(question.GetCookies()) == 0 || question.GetIssueCsrfToken() || len(question.GetAsOfPosition()) > 0 ||
		context.GetUpgrade() != nil || needsCSRF(question) {
		return key, false
	}
	key = append(key, flag(question.CanSetCookies)|flag(question.Touch != nil)<<1|flag(question.GetTouch())<<2|
		flag(context != nil)<<3|flag(question.Requirements != nil)<<4)
	key = binary.AppendUvarint(key, uint64(len(question.Cookies)))
	for _, cookie := range question.Cookies {
		key = appendText(key, cookie.GetName())
		key = appendText(key, cookie.GetValue())
	}
	if needed := question.Requirements; needed != nil {
		key = append(key, flag(needed.MaxLoginAge != nil), flag(needed.EmailVerified))
		key = binary.AppendVarint(key, int64(needed.Csrf))
		key = binary.AppendVarint(key, needed.MaxLoginAge.GetSeconds())
		key = binary.AppendVarint(key, int64(needed.MaxLoginAge.GetNanos()))
		for _, names := range [...][]string{
			needed.Scopes, needed.AnyScopes, needed.Permissions, needed.AnyPermissions, needed.Roles,
			needed.AcrValues, needed.AmrValues,
		} {
			key = binary.AppendUvarint(key, uint64(len(names)))
			for _, name := range names {
				key = appendText(key, name)
			}
		}
	}
	if context != nil {
		for _, header := range [...][]byte{
			context.Host, context.PeerAddress, context.UserAgent, context.AcceptLanguage, context.XTenantId, context.Place,
		} {
			key = append(key, flag(header != nil))
			key = appendText(key, header)
		}
		for _, lines := range [...][][]byte{context.XForwardedFor, context.Forwarded} {
			key = binary.AppendUvarint(key, uint64(len(lines)))
			for _, line := range lines {
				key = appendText(key, line)
			}
		}
	}
	return key, len(key) <= longestKey
}

func appendText[T string | []byte](key []byte, text T) []byte {
	return append(binary.AppendUvarint(key, uint64(len(text))), text...)
}

func flag(is bool) byte {
	if is {
		return 1
	}
	return 0
}

// keeping is how the authority lets an answer be kept.
type keeping struct {
	sessionID string
	position  string
	keepFor   time.Duration
	bytes     int // how much memory the answer takes, about
}

// keepingOf returns false for an answer that may not be kept: all but a yes that carries nothing for one response.
func keepingOf(answer *v1.ValidateSessionResponse) (keeping, bool) {
	active := answer.GetActive()
	id := active.GetSession().GetSessionId()
	if len(active.GetEventPosition()) == 0 || id == "" || len(active.SetCookies) > 0 || active.CsrfToken != "" ||
		active.KeepFor.CheckValid() != nil {
		return keeping{}, false
	}
	return keeping{id, string(active.EventPosition), active.KeepFor.AsDuration(), proto.Size(answer)}, true
}
