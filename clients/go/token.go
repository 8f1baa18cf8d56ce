package gatelodge

import (
	"context"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// A TokenVerdict is a definite answer about a bearer token. Exactly one field is set.
type TokenVerdict struct {
	// Active: the token is good, and every requirement is met.
	Active *v1.ActiveToken
	// Inactive: the token is not good. Answer as it says.
	Inactive *v1.InactiveToken
	// Denied: the token is good and not enough. Answer as it says.
	Denied *v1.DeniedToken
}

// CheckToken asks ValidateToken and reads the answer as the contract says: every requirement that was asked for has to be
// among those that were judged, and an outcome that this client does not know is an error, never a yes or a no.
//
// On an error the authority could not say: answer 503.
func (c *Client) CheckToken(ctx context.Context, question *v1.ValidateTokenRequest) (*TokenVerdict, error) {
	answer, err := c.tokens.ValidateToken(ctx, question)
	if err != nil {
		return nil, err
	}
	return readToken(question, answer)
}

// readToken makes a verdict of an answer, or nothing.
func readToken(question *v1.ValidateTokenRequest, answer *v1.ValidateTokenResponse) (*TokenVerdict, error) {
	switch outcome := answer.GetOutcome().(type) {
	case *v1.ValidateTokenResponse_Active:
		if outcome.Active.GetIdentity() == nil {
			return nil, couldNotSay("the authority found the token good, and did not say whose it is")
		}
		if !isJudgedFor(question.GetRequirements(), outcome.Active.GetJudged()) {
			return nil, couldNotSay("the authority did not judge all that was asked: it may be older than this client")
		}
		if question.GetRefresh() && outcome.Active.GetIdentity().GetUserId() != "" && outcome.Active.GetRefreshTime() == nil {
			return nil, couldNotSay("the authority asked nobody anew who that is: it may be older than this client")
		}
		return &TokenVerdict{Active: outcome.Active}, nil
	case *v1.ValidateTokenResponse_Inactive:
		return &TokenVerdict{Inactive: outcome.Inactive}, nil
	case *v1.ValidateTokenResponse_Denied:
		return &TokenVerdict{Denied: outcome.Denied}, nil
	default:
		return nil, couldNotSay("the authority gave an outcome that is not known here: it may be newer than this client")
	}
}

func isJudgedFor(asked, judged *v1.TokenRequirements) bool {
	return areJudged(asked, judged) && (asked.GetAudience() == "" || asked.GetAudience() == judged.GetAudience())
}
