package gatelodge

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// What of the contract changes nothing about a yes: "The same question" of clients/README.md.
var idle = map[protoreflect.FullName]bool{
	"gatelodge.v1.ValidateSessionRequest.answer_json": true,
	"gatelodge.v1.RequestContext.method":              true,
	"gatelodge.v1.RequestContext.target":              true,
	"gatelodge.v1.RequestContext.accept":              true,
	"gatelodge.v1.RequestContext.content_type":        true,
	"gatelodge.v1.RequestContext.origin":              true,
	"gatelodge.v1.RequestContext.sec_fetch_site":      true,
	"gatelodge.v1.RequestContext.sec_fetch_mode":      true,
	"gatelodge.v1.RequestContext.sec_fetch_dest":      true,
	"gatelodge.v1.RequestContext.x_requested_with":    true,
	"gatelodge.v1.RequestContext.csrf_token":          true,
}

// Every field there is makes another question, or none that may be kept, but for those above: a field that is added to the
// contract fails here until somebody has thought about it.
func TestAQuestionIsTheSameAsFarAsItsAnswerDependsOnIt(t *testing.T) {
	full := func() *v1.ValidateSessionRequest {
		question := presenting("a")
		question.Requirements = &v1.Requirements{}
		return question
	}
	same := keyOf(t, full())
	parts := map[string]func(*v1.ValidateSessionRequest) proto.Message{
		"question":     func(q *v1.ValidateSessionRequest) proto.Message { return q },
		"context":      func(q *v1.ValidateSessionRequest) proto.Message { return q.Context },
		"requirements": func(q *v1.ValidateSessionRequest) proto.Message { return q.Requirements },
		"cookie":       func(q *v1.ValidateSessionRequest) proto.Message { return q.Cookies[0] },
	}
	for name, part := range parts {
		fields := part(full()).ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			question, field := full(), fields.Get(i)
			change(part(question).ProtoReflect(), field)
			key, ok := appendKey(nil, question)
			if isSame := ok && string(key) == same; isSame != idle[field.FullName()] {
				t.Errorf("%s: %s changes the question: %v", name, field.Name(), !isSame)
			}
		}
	}
	// What is absent is another thing than what is empty, and where one text ends is part of it.
	empty, ends, others := full(), full(), full()
	empty.Context.AcceptLanguage = []byte{}
	ends.Cookies = append(ends.Cookies, &v1.Cookie{Name: "b", Value: []byte("c")})
	others.Cookies = append(others.Cookies, &v1.Cookie{Name: "bc"})
	keys := map[string]bool{same: true, keyOf(t, empty): true, keyOf(t, ends): true, keyOf(t, others): true}
	for _, change := range []func(q *v1.ValidateSessionRequest){
		func(q *v1.ValidateSessionRequest) { q.Context.XForwardedFor = [][]byte{[]byte("a"), []byte("b")} },
		func(q *v1.ValidateSessionRequest) { q.Context.XForwardedFor = [][]byte{[]byte("ab")} },
		func(q *v1.ValidateSessionRequest) { q.Context.Forwarded = [][]byte{[]byte("ab")} },
		func(q *v1.ValidateSessionRequest) { q.Touch = proto.Bool(false) },
		func(q *v1.ValidateSessionRequest) { q.Touch = proto.Bool(true) },
		func(q *v1.ValidateSessionRequest) { q.Requirements.MaxLoginAge = durationpb.New(time.Second) },
		func(q *v1.ValidateSessionRequest) { q.Requirements.MaxLoginAge = durationpb.New(time.Minute) },
	} {
		question := full()
		change(question)
		keys[keyOf(t, question)] = true
	}
	if len(keys) != 11 {
		t.Errorf("%d of 11 are different", len(keys))
	}
	for _, never := range []func(q *v1.ValidateSessionRequest){
		func(q *v1.ValidateSessionRequest) { q.Context.Method = []byte("POST") },
		func(q *v1.ValidateSessionRequest) { q.Context.Upgrade = []byte("websocket") },
		func(q *v1.ValidateSessionRequest) { q.IssueCsrfToken = true },
		func(q *v1.ValidateSessionRequest) { q.AsOfPosition = []byte("1") },
		func(q *v1.ValidateSessionRequest) { q.Cookies = nil },
		func(q *v1.ValidateSessionRequest) { q.Cookies[0].Value = make([]byte, longestKey) },
	} {
		question := full()
		never(question)
		if _, ok := appendKey(nil, question); ok {
			t.Errorf("it may be kept: %v", question)
		}
	}
}

// change gives a field another value than it has.
func change(message protoreflect.Message, field protoreflect.FieldDescriptor) {
	switch {
	case field.IsList() && field.Message() != nil:
		message.Mutable(field).List().AppendMutable()
	case field.IsList() && field.Kind() == protoreflect.StringKind:
		message.Mutable(field).List().Append(protoreflect.ValueOfString("other"))
	case field.IsList():
		message.Mutable(field).List().Append(protoreflect.ValueOfBytes([]byte("other")))
	case field.Message() != nil && message.Has(field):
		message.Clear(field)
	case field.Message() != nil:
		message.Mutable(field)
	case field.Kind() == protoreflect.BoolKind:
		message.Set(field, protoreflect.ValueOfBool(!message.Get(field).Bool()))
	case field.Kind() == protoreflect.EnumKind:
		message.Set(field, protoreflect.ValueOfEnum(2)) // 1 is never kept
	case field.Kind() == protoreflect.StringKind:
		message.Set(field, protoreflect.ValueOfString("other"))
	case field.Name() == "method":
		message.Set(field, protoreflect.ValueOfBytes([]byte("HEAD"))) // others need a CSRF token
	default:
		message.Set(field, protoreflect.ValueOfBytes([]byte("other")))
	}
}

func TestOnlyABareYesMayBeKept(t *testing.T) {
	yes := func(changes ...func(*v1.ActiveSession)) *v1.ValidateSessionResponse {
		return active(append([]func(*v1.ActiveSession){func(session *v1.ActiveSession) {
			session.EventPosition, session.KeepFor = []byte{1}, durationpb.New(time.Second)
		}}, changes...)...)
	}
	if leave, ok := keepingOf(yes()); !ok || leave != (keeping{"sid_1", "\x01", time.Second, proto.Size(yes())}) {
		t.Error(leave, ok)
	}
	for name, answer := range map[string]*v1.ValidateSessionResponse{
		"cookies":     yes(func(session *v1.ActiveSession) { session.SetCookies = []string{"session=b"} }),
		"a token":     yes(func(session *v1.ActiveSession) { session.CsrfToken = "csrf_1" }),
		"no position": yes(func(session *v1.ActiveSession) { session.EventPosition = nil }),
		"no time":     yes(func(session *v1.ActiveSession) { session.KeepFor = nil }),
		"no id":       yes(func(session *v1.ActiveSession) { session.Session.SessionId = "" }),
		"no session":  inactive(1, nil),
		"a no":        denied(1, nil),
		"nothing":     {},
	} {
		if _, ok := keepingOf(answer); ok {
			t.Errorf("%s: it may be kept", name)
		}
	}
}
