package gatelodgetest

import (
	"encoding/binary"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const (
	// How long clients may keep an answer, and how often they hear that nothing has happened.
	keepFor   = 5 * time.Second
	heartbeat = 500 * time.Millisecond
)

// A news is all that has happened so far, and a channel that is closed when there is more.
type news struct {
	events []*v1.SessionEvent
	more   chan struct{}
}

// tell says what has happened to a session, or to all of them where there is no id. The caller holds the lock.
func (a *Authority) tell(kind v1.SessionEventKind, sessionID string) {
	a.news.events = append(a.news.events, &v1.SessionEvent{Kind: kind, SessionId: sessionID})
	a.wake()
}

func (a *Authority) wake() {
	close(a.news.more)
	a.news.more = make(chan struct{})
}

// end ends a session. The caller holds the lock.
func (a *Authority) end(one *session, reason v1.InactiveReason) {
	one.who.Inactive = reason
	a.tell(v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED, one.info.SessionId)
}

// A position is how much had happened, and one more, since an empty one means that nothing was heard.
func position(events int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(events)+1) }

func eventsAt(position []byte) (int, bool) {
	if len(position) != 8 {
		return 0, false
	}
	return int(binary.BigEndian.Uint64(position)) - 1, true
}

// WatchSessions tells what happens from now on, or from a position on.
func (a sessionService) WatchSessions(
	q *v1.WatchSessionsRequest, stream grpc.ServerStreamingServer[v1.WatchSessionsResponse],
) error {
	a.mu.Lock()
	told, isKnown := eventsAt(q.AfterPosition)
	isReset := len(q.AfterPosition) > 0 && (!isKnown || told > len(a.news.events))
	if !isKnown || isReset {
		told = len(a.news.events)
	}
	a.mu.Unlock()
	for {
		a.mu.Lock()
		trouble, more := a.trouble, a.news.more
		message := &v1.WatchSessionsResponse{
			Events: a.news.events[told:], Position: position(len(a.news.events)), Reset_: isReset,
			MaxStaleness: durationpb.New(keepFor),
		}
		told, isReset = len(a.news.events), false
		a.mu.Unlock()
		if trouble != none {
			return status.Error(codes.Unavailable, "nothing listens there")
		}
		if err := stream.Send(message); err != nil {
			return err
		}
		select {
		case <-more:
		case <-time.After(heartbeat):
		case <-stream.Context().Done():
			return nil
		case <-a.closed.Done():
			return status.Error(codes.Unavailable, "the authority is closed")
		}
	}
}
