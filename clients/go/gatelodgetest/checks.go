package gatelodgetest

import (
	"context"
	"errors"
	"io"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// CheckSessions answers each question as a call of its own would be: none while the authority is slow, and the stream ends
// while it is away.
func (a sessionService) CheckSessions(
	stream grpc.BidiStreamingServer[v1.CheckSessionsRequest, v1.CheckSessionsResponse],
) error {
	for {
		asked, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		a.mu.Lock()
		trouble := a.trouble
		a.mu.Unlock()
		switch trouble {
		case away:
			return status.Error(codes.Unavailable, "nothing listens there")
		case slow:
			continue
		}
		if err := stream.Send(a.checked(stream.Context(), asked)); err != nil {
			return err
		}
	}
}

func (a sessionService) checked(ctx context.Context, asked *v1.CheckSessionsRequest) *v1.CheckSessionsResponse {
	question := asked.Question
	if question == nil {
		question = &v1.ValidateSessionRequest{}
	}
	named := metadata.NewIncomingContext(ctx, metadata.Pairs("x-request-id", asked.RequestId))
	answer, err := a.ValidateSession(named, question)
	if err == nil {
		return &v1.CheckSessionsResponse{Id: asked.Id, Result: &v1.CheckSessionsResponse_Answer{Answer: answer}}
	}
	failed := status.Convert(err)
	said := &v1.CheckError{Code: uint32(failed.Code()), Message: failed.Message(), RequestId: asked.RequestId}
	for _, detail := range failed.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			said.Reason = info.Reason
		}
	}
	return &v1.CheckSessionsResponse{Id: asked.Id, Result: &v1.CheckSessionsResponse_Error{Error: said}}
}
