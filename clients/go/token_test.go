package gatelodge

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

func TestATokenIsGoodOnlyIfAllThatWasAskedForWasJudged(t *testing.T) {
	all := &v1.TokenRequirements{
		Scopes: []string{"a"}, Permissions: []string{"p"}, Audience: "api", MaxLoginAge: durationpb.New(time.Minute),
	}
	if !isJudgedFor(all, all) || !isJudgedFor(nil, nil) {
		t.Error("what was judged is not believed")
	}
	for name, asked := range map[string]*v1.TokenRequirements{
		"scope":       {Scopes: []string{"a", "b"}},
		"permission":  {Permissions: []string{"q"}},
		"audience":    {Audience: "other"},
		"a login age": {MaxLoginAge: durationpb.New(time.Second)},
	} {
		if isJudgedFor(asked, all) || isJudgedFor(asked, nil) {
			t.Errorf("another %s passes", name)
		}
	}
}
