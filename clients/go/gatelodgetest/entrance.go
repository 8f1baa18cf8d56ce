package gatelodgetest

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
)

// admit is what stands before every call: the key, and the trouble that the test asked for.
func (a *Authority) admit(
	ctx context.Context, question any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	a.mu.Lock()
	trouble := a.trouble
	a.mu.Unlock()
	switch trouble {
	case away:
		return nil, status.Error(codes.Unavailable, "nothing listens there")
	case slow:
		select {
		case <-ctx.Done():
		case <-a.closed.Done():
		}
		return nil, status.FromContextError(context.DeadlineExceeded).Err()
	}
	if call.FullMethod == healthv1.Health_Check_FullMethodName {
		return next(ctx, question)
	}
	if err := checkKey(ctx); err != nil {
		return nil, err
	}
	return next(ctx, question)
}

func (a *Authority) admitStream(
	server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler,
) error {
	if err := checkKey(stream.Context()); err != nil {
		return err
	}
	return next(server, stream)
}

func checkKey(ctx context.Context) error {
	came := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(came) != 1 || came[0] != "Bearer "+APIKey {
		return failure(codes.Unauthenticated, gatelodge.ErrCallerUnauthenticated, "The call came without a valid API key.")
	}
	return nil
}
