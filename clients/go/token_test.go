package gatelodge

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

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

func TestAUserWhomNobodyWasAskedAboutIsNoYes(t *testing.T) {
	read := func(userID string, refreshed *timestamppb.Timestamp) error {
		active := &v1.ActiveToken{Identity: &v1.Identity{UserId: userID}, RefreshTime: refreshed}
		answer := &v1.ValidateTokenResponse{Outcome: &v1.ValidateTokenResponse_Active{Active: active}}
		_, err := readToken(&v1.ValidateTokenRequest{Refresh: true}, answer)
		return err
	}
	if err := read("google_1", nil); err == nil {
		t.Error("the answer of an older authority passes")
	}
	if err := read("google_1", timestamppb.Now()); err != nil {
		t.Error(err)
	}
	if err := read("", nil); err != nil {
		t.Error("a program has no user to ask about:", err)
	}
}
