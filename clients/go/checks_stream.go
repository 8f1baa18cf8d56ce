package gatelodge

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const (
	// So many questions wait on a stream at a time: as many as an authority works at.
	mostOnStream = 256
	// A stream without a question for so long is closed.
	quietFor = 10 * time.Second
	// A stream on which nothing came at all while a question waited for so long, until its time was up, is held back.
	patience = 500 * time.Millisecond
)

var (
	errQuiet   = errors.New("nobody asked anything for some time")
	errStalled = errors.New("the stream is there, and carries no answers")
)

// A checkStream is one open stream of checks: whose answer is whose, and what becomes of those that wait when it ends.
type checkStream struct {
	questions chan *v1.CheckSessionsRequest
	ended     chan struct{}
	give      context.CancelCauseFunc // gives the stream up

	mu      sync.Mutex
	next    uint64
	heard   uint64                                      // how many answers have come
	waiting map[uint64]chan<- *v1.CheckSessionsResponse // nil once it has ended
}

type checkStreamOf = grpc.BidiStreamingClient[v1.CheckSessionsRequest, v1.CheckSessionsResponse]

func newCheckStream(give context.CancelCauseFunc) *checkStream {
	return &checkStream{
		questions: make(chan *v1.CheckSessionsRequest, mostOnStream),
		ended:     make(chan struct{}),
		give:      give,
		waiting:   map[uint64]chan<- *v1.CheckSessionsResponse{},
	}
}

// ask waits for the answer; it is not answered when the stream is full, or ended before it.
func (s *checkStream) ask(
	ctx context.Context, question *v1.ValidateSessionRequest,
) (answer *v1.ValidateSessionResponse, isAnswered bool, err error) {
	came := make(chan *v1.CheckSessionsResponse, 1)
	id, heard, ok := s.take(came)
	if !ok {
		return nil, false, nil
	}
	asked := &v1.CheckSessionsRequest{Id: id, Question: question}
	if until, ok := ctx.Deadline(); ok {
		asked.Timeout = durationpb.New(max(0, time.Until(until)))
	}
	asked.RequestId, _ = ctx.Value(requestIDKey{}).(string)
	select {
	case s.questions <- asked:
	default:
		s.drop(id)
		return nil, false, nil
	}
	select {
	case said := <-came:
		return readCheck(said)
	case <-s.ended:
	case <-ctx.Done():
	}
	select { // both may have happened
	case said := <-came:
		return readCheck(said)
	default:
	}
	if ctx.Err() == nil {
		return nil, false, nil
	}
	isUp := errors.Is(ctx.Err(), context.DeadlineExceeded) && asked.Timeout.AsDuration() >= patience
	if s.drop(id) == heard && isUp {
		s.give(errStalled)
	}
	return nil, true, ctx.Err()
}

// take gives the next question its id, and says how many answers have come before it.
func (s *checkStream) take(came chan<- *v1.CheckSessionsResponse) (id, heard uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil || len(s.waiting) >= mostOnStream {
		return 0, 0, false
	}
	s.next++
	s.waiting[s.next] = came
	return s.next, s.heard, true
}

// drop is for who waits no longer. It says how many answers have come.
func (s *checkStream) drop(id uint64) (heard uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
	return s.heard
}

// run carries questions and answers until one side ends the stream.
func (s *checkStream) run(ctx context.Context, stream checkStreamOf) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sending.Go(func() { s.send(ctx, stream) })
	for {
		said, err := stream.Recv()
		if err != nil {
			return err
		}
		s.settle(said)
	}
}

// send sends questions, and gives the stream up when there have been none for some time.
func (s *checkStream) send(ctx context.Context, stream checkStreamOf) {
	quiet := time.NewTicker(quietFor)
	defer quiet.Stop()
	for seen := uint64(0); ; {
		select {
		case asked := <-s.questions:
			if stream.Send(asked) != nil {
				return // the reader learns why
			}
		case <-quiet.C:
			next, isIdle := s.progress()
			if next == seen && isIdle {
				s.give(errQuiet)
			}
			seen = next
		case <-ctx.Done():
			return
		}
	}
}

func (s *checkStream) progress() (next uint64, isIdle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next, len(s.waiting) == 0
}

func (s *checkStream) settle(said *v1.CheckSessionsResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard++
	if came := s.waiting[said.GetId()]; came != nil {
		delete(s.waiting, said.GetId())
		came <- said
	}
}

// end tells those who wait that no answer comes any more.
func (s *checkStream) end() {
	s.mu.Lock()
	s.waiting = nil
	s.mu.Unlock()
	close(s.ended)
}

// readCheck reads an answer as that of a call. One that is unset or unknown has no outcome, which is "could not say".
func readCheck(said *v1.CheckSessionsResponse) (answer *v1.ValidateSessionResponse, isAnswered bool, err error) {
	switch result := said.GetResult().(type) {
	case *v1.CheckSessionsResponse_Answer:
		return result.Answer, true, nil
	case *v1.CheckSessionsResponse_Error:
		return nil, true, failedCheck(result.Error)
	}
	return &v1.ValidateSessionResponse{}, true, nil
}

// failedCheck is the failure that a call would have had.
func failedCheck(said *v1.CheckError) *Error {
	failure := &Error{
		Code: codes.Code(said.GetCode()), Reason: Reason(said.GetReason()), Message: said.GetMessage(),
		RequestID: said.GetRequestId(), RetryAfter: said.GetRetryAfter().AsDuration(),
	}
	for _, field := range said.GetFieldViolations() {
		violation := FieldViolation{Field: field.GetField(), Description: field.GetDescription()}
		failure.Fields = append(failure.Fields, violation)
	}
	if failure.Code == codes.DeadlineExceeded || failure.Code == codes.Canceled {
		failure.Code, failure.Reason = codes.DeadlineExceeded, ErrDeadlineExceeded
		failure.cause = context.DeadlineExceeded
	}
	return failure
}
