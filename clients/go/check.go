package gatelodge

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// Check asks ValidateSession and reads the answer as the contract says: every requirement that was asked for has to be
// among those that were judged, and an outcome that this client does not know is an error, never a yes or a no.
//
// A yes is kept for as long as the authority allows, a few seconds at most, and given again to the same question, but
// only while the client hears what happens to sessions: see [WithKeepAnswers]. A verdict may be shared: do not change it.
// One whose context has metadata of your own (x-tenant-id) is asked for each time.
//
// On an error the authority could not say: answer 503 and leave the browser's cookies alone.
func (c *Client) Check(ctx context.Context, question *v1.ValidateSessionRequest) (*Verdict, error) {
	if c.kept == nil {
		verdict, _, err := c.ask(ctx, question)
		return verdict, err
	}
	var room [1024]byte
	key, mayBeKept := appendKey(room[:0], question)
	if _, has := metadata.FromOutgoingContext(ctx); has || !mayBeKept {
		return c.askAlone(ctx, question)
	}
	if verdict := c.kept.known(key); verdict != nil {
		return verdict, nil
	}
	return c.askWithOthers(ctx, question, string(key))
}

// ask asks, and says how the answer may be kept, if it may.
func (c *Client) ask(ctx context.Context, question *v1.ValidateSessionRequest) (*Verdict, *keeping, error) {
	answer, err := c.sessions.ValidateSession(ctx, question)
	if err != nil {
		return nil, nil, err
	}
	verdict, err := read(question, answer)
	if err != nil {
		return nil, nil, err
	}
	if leave, ok := keepingOf(answer); ok {
		return verdict, &leave, nil
	}
	return verdict, nil, nil
}

// askAlone asks for one request. The first answer that might have been kept begins the watching.
func (c *Client) askAlone(ctx context.Context, question *v1.ValidateSessionRequest) (*Verdict, error) {
	verdict, leave, err := c.ask(ctx, c.asOfKnown(question))
	if leave != nil {
		c.watching.Do(func() { c.keep(c.watch) })
	}
	return verdict, err
}

// askWithOthers asks once for all who ask the same at the same time.
func (c *Client) askWithOthers(ctx context.Context, question *v1.ValidateSessionRequest, key string) (*Verdict, error) {
	within, cancel := context.WithTimeout(ctx, c.caller.manner(v1.SessionService_ValidateSession_FullMethodName).deadline)
	defer cancel()
	for {
		known, flight, isOurs := c.kept.look(key)
		switch {
		case known != nil:
			return known, nil
		case flight == nil:
			return c.askAlone(within, question)
		case isOurs:
			return c.fly(within, question, key, flight)
		}
		select {
		case <-flight.landed:
		case <-within.Done():
			return nil, c.caller.failure(ctx, within.Err())
		}
		switch {
		case flight.isOne:
			return c.askAlone(within, question)
		case !flight.isDeserted:
			return flight.verdict, flight.failure
		}
	}
}

// fly asks for all who wait. They share an answer when it may be kept at all: any other speaks of the one request that it
// answers. They share what went wrong, but for a time that was up, since others have other deadlines.
func (c *Client) fly(
	ctx context.Context, question *v1.ValidateSessionRequest, key string, ours *flight,
) (*Verdict, error) {
	ours.isDeserted = true // unless it comes back
	defer c.kept.land(key, ours)
	verdict, leave, err := c.ask(ctx, c.asOfKnown(question))
	failure, _ := errors.AsType[*Error](err)
	switch {
	case failure != nil && failure.Code == codes.Canceled:
		return nil, err
	case failure != nil && failure.Code == codes.DeadlineExceeded, err == nil && leave == nil:
		ours.isOne = true
	case leave != nil:
		c.kept.keep(key, question.Cookies, ours, verdict, *leave)
		fallthrough
	default:
		ours.verdict, ours.failure = verdict, err
	}
	ours.isDeserted = false
	return verdict, err
}

// asOfKnown shows the authority what is known, since the one that is asked may have heard less than the one that is
// watched.
func (c *Client) asOfKnown(question *v1.ValidateSessionRequest) *v1.ValidateSessionRequest {
	known := c.kept.knownUpTo()
	if known == "" || len(question.GetAsOfPosition()) > 0 {
		return question
	}
	shown := proto.CloneOf(question)
	shown.AsOfPosition = []byte(known)
	return shown
}

// sessionCalls are the calls about sessions, of which checks may share a stream.
type sessionCalls struct {
	v1.SessionServiceClient
	caller *caller
	checks *checks // nil where each check is to be a call of its own
}

func (s *sessionCalls) ValidateSession(
	ctx context.Context, question *v1.ValidateSessionRequest, opts ...grpc.CallOption,
) (*v1.ValidateSessionResponse, error) {
	// Metadata of the caller's own belongs to a call.
	if _, has := metadata.FromOutgoingContext(ctx); has || s.checks == nil || len(opts) > 0 {
		return s.SessionServiceClient.ValidateSession(ctx, question, opts...)
	}
	const method = v1.SessionService_ValidateSession_FullMethodName
	s.checks.underWay.Add(1)
	defer s.checks.underWay.Add(-1)
	var answer *v1.ValidateSessionResponse
	err := s.caller.repeat(ctx, s.caller.manner(method), func(within context.Context) error {
		said, isAnswered, err := s.checks.ask(within, question)
		if !isAnswered {
			said = &v1.ValidateSessionResponse{}
			err = s.caller.conn.Invoke(within, method, question, said)
		}
		answer = said
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// GetAccessToken is that of the contract. An authority that is too old to know audiences would give a token for another
// one: that is an error.
func (s *sessionCalls) GetAccessToken(
	ctx context.Context, question *v1.GetAccessTokenRequest, opts ...grpc.CallOption,
) (*v1.GetAccessTokenResponse, error) {
	answer, err := s.SessionServiceClient.GetAccessToken(ctx, question, opts...)
	if err != nil {
		return nil, err
	}
	if token := answer.GetAccessToken(); token != nil && token.GetAudience() != question.GetAudience() {
		return nil, couldNotSay("the token is not for the audience that was asked for: the authority may be too old")
	}
	return answer, nil
}

// adminCalls are the calls of an admin.
type adminCalls struct{ v1.AdminServiceClient }

// ListSessions is that of the contract. An authority that is too old to know a filter would list too much: that is an
// error.
func (a adminCalls) ListSessions(
	ctx context.Context, question *v1.ListSessionsRequest, opts ...grpc.CallOption,
) (*v1.ListSessionsResponse, error) {
	answer, err := a.AdminServiceClient.ListSessions(ctx, question, opts...)
	if err != nil {
		return nil, err
	}
	asked := &v1.SessionFilter{
		Provider: question.GetProvider(), ProviderSessionId: question.GetProviderSessionId(),
		CreatedAfter: question.GetCreatedAfter(), CreatedBefore: question.GetCreatedBefore(),
	}
	// The filter by user is older than the answer's word for it.
	isNew := !proto.Equal(asked, &v1.SessionFilter{})
	asked.UserId = question.GetUserId()
	if isNew && !proto.Equal(answer.GetAppliedFilter(), asked) {
		return nil, couldNotSay("the authority did not apply the filter that was asked for: it may be too old")
	}
	return answer, nil
}
