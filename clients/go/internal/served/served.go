// Package served serves an authority in memory to other programs, over gRPC. What comes is passed on, unread.
package served

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Fake makes a server whose calls all go on to the authority of the moment.
func Fake(present func() grpc.ClientConnInterface) *grpc.Server {
	return grpc.NewServer(
		grpc.ForceServerCodec(unread{}),
		grpc.UnknownServiceHandler(func(_ any, call grpc.ServerStream) error { return passOn(present(), call) }),
	)
}

// passOn joins two streams, which is what every call is.
func passOn(conn grpc.ClientConnInterface, came grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(came)
	set, _ := metadata.FromIncomingContext(came.Context())
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(came.Context(), set))
	defer cancel()
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	onward, err := conn.NewStream(ctx, desc, method, grpc.ForceCodec(unread{}))
	if err != nil {
		return err
	}
	go func() {
		if copyAll(came, onward) != nil {
			cancel()
			return
		}
		_ = onward.CloseSend()
	}()
	return copyAll(onward, came)
}

func copyAll(from interface{ RecvMsg(any) error }, to interface{ SendMsg(any) error }) error {
	for {
		var message []byte
		switch err := from.RecvMsg(&message); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := to.SendMsg(&message); err != nil {
			return err
		}
	}
}

// unread is the codec of messages that are passed on as they are.
type unread struct{}

func (unread) Marshal(message any) ([]byte, error) {
	bytes, ok := message.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("a %T is not passed on", message)
	}
	return *bytes, nil
}

func (unread) Unmarshal(data []byte, message any) error {
	bytes, ok := message.(*[]byte)
	if !ok {
		return fmt.Errorf("a %T is not passed on", message)
	}
	*bytes = append([]byte(nil), data...)
	return nil
}

func (unread) Name() string { return "proto" }
