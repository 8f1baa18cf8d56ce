package gatelodge

import (
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// contract.md 3: what was asked for and is not among what was judged makes a yes worthless.
func TestARequirementThatWasNotJudgedIsNoYes(t *testing.T) {
	ask := func(method string, needs ...Requirement) *v1.ValidateSessionRequest {
		question := &v1.ValidateSessionRequest{Requirements: requirements(needs)}
		if method != "" {
			question.Context = &v1.RequestContext{Method: []byte(method)}
		}
		return question
	}
	all := &v1.JudgedRequirements{Csrf: true, Scopes: []string{"b", "a"}, MaxLoginAge: durationpb.New(300 * time.Second)}
	none := &v1.JudgedRequirements{}
	oneScope := &v1.JudgedRequirements{Scopes: []string{"a"}}
	older := &v1.JudgedRequirements{MaxLoginAge: durationpb.New(301 * time.Second)}
	scopes, age := Scopes("a", "b"), MaxLoginAge(300*time.Second)
	for i, row := range []struct {
		question *v1.ValidateSessionRequest
		judged   *v1.JudgedRequirements
		yes      bool
	}{
		{ask("GET", scopes), all, true},
		{ask("GET", scopes), none, false},
		{ask("GET", scopes), nil, false},
		{ask("GET", scopes), oneScope, false},
		{ask("GET", age), all, true},
		{ask("GET", age), none, false},
		{ask("GET", age), older, false},
		{ask("GET"), none, true},
		{ask(""), none, true},
		{ask("POST"), none, false},
		{ask("QUERY"), none, false},
		{ask("POST"), all, true},
		{ask("POST", CSRFNotRequired()), none, true},
		{ask("GET", CSRFRequired()), none, false},
		{ask("GET", CSRFRequired()), all, true},
	} {
		said := active(func(session *v1.ActiveSession) { session.Judged = row.judged })
		verdict, err := read(row.question, said)
		if yes := err == nil && verdict.Session != nil; yes != row.yes {
			t.Errorf("row %d: %v, %v", i, yes, err)
		}
	}
}

// contract.md 3: an older authority passes over what it does not know, and its yes is then worth nothing.
func TestEachRequirementHasToBeAmongThoseThatWereJudged(t *testing.T) {
	every := map[string]SharedRequirement{
		"scopes": Scopes("a"), "any_scopes": AnyScopes("a", "b"), "permissions": Permissions("a"),
		"any_permissions": AnyPermissions("a", "b"), "roles": Roles("a"), "acr_values": ACRValues("2", "1"),
		"amr_values": AMRValues("otp"), "email_verified": EmailVerified(), "max_login_age": MaxLoginAge(5 * time.Second),
	}
	all := &v1.Requirements{}
	for _, need := range every {
		need.ofSession(all)
	}
	if !areJudged(all, judgedAs(all)) {
		t.Error("what was judged is not believed")
	}
	for name, need := range every {
		one := requirements([]Requirement{need})
		field := (&v1.JudgedRequirements{}).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name))
		without := judgedAs(all)
		without.ProtoReflect().Clear(field)
		if !areJudged(one, judgedAs(all)) || areJudged(one, &v1.JudgedRequirements{}) || areJudged(all, without) {
			t.Errorf("%s is not looked for", name)
		}
		ofToken := &v1.ValidateTokenRequest{Requirements: &v1.TokenRequirements{}}
		need.ofToken(ofToken)
		if !areJudged(one, ofToken.Requirements) || !areJudged(ofToken.Requirements, judgedAs(all)) {
			t.Errorf("%s is another thing of a token", name)
		}
	}
	longer := judgedAs(all)
	longer.AcrValues = []string{"2", "0"}
	if areJudged(all, longer) {
		t.Error("a login of another class may have passed")
	}
	longer.AcrValues = []string{"1"}
	if !areJudged(all, longer) {
		t.Error("one of those that were asked for is enough")
	}
}

// judgedAs is what an authority says that has judged all of it.
func judgedAs(asked *v1.Requirements) *v1.JudgedRequirements {
	return &v1.JudgedRequirements{
		Scopes: asked.Scopes, AnyScopes: asked.AnyScopes, Permissions: asked.Permissions,
		AnyPermissions: asked.AnyPermissions, Roles: asked.Roles, EmailVerified: asked.EmailVerified,
		AcrValues: asked.AcrValues, AmrValues: asked.AmrValues, MaxLoginAge: asked.MaxLoginAge,
	}
}

func TestAnOutcomeFromTheFutureIsNeitherYesNorNo(t *testing.T) {
	for _, said := range []*v1.ValidateSessionResponse{
		{},
		active(func(session *v1.ActiveSession) { session.Identity = nil }),
		active(func(session *v1.ActiveSession) { session.Session = nil }),
	} {
		if verdict, err := read(question, said); err == nil {
			t.Errorf("%v", verdict)
		}
	}
	if verdict, err := read(question, inactive(99, nil)); err != nil || verdict.Inactive == nil {
		t.Error("an unknown reason is inactive all the same")
	}
}
