// Command fakeundertest serves the fake authority over gRPC, for tests/edges to put behind edges of any language. It reads
// LISTEN, prints "ready" and the one key, and is told on its standard input what is given, as tests/edges/README.md says.
// What comes is passed on, unread, to the fake of the moment.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
	"github.com/gatelodge/gatelodge/clients/go/internal/scenarios"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		return err
	}
	var present atomic.Pointer[gatelodgetest.Authority]
	present.Store(gatelodgetest.NewAuthority())
	server := grpc.NewServer(
		grpc.ForceServerCodec(unread{}),
		grpc.UnknownServiceHandler(func(_ any, call grpc.ServerStream) error { return passOn(present.Load().Conn(), call) }),
	)
	defer server.Stop()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Println("ready", gatelodgetest.APIKey)
	if err := listen(&present); err != nil {
		return err
	}
	server.Stop()
	return <-failed
}

// listen takes what it is told, to the end.
func listen(present *atomic.Pointer[gatelodgetest.Authority]) error {
	var stage *scenarios.Stage
	for told := json.NewDecoder(os.Stdin); ; fmt.Println("told") {
		var said struct {
			Begin  *scenarios.Given
			Change scenarios.Change
		}
		err := told.Decode(&said)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case said.Begin != nil:
			fresh := gatelodgetest.NewAuthority()
			if stage, err = scenarios.Begin(fresh, *said.Begin); err == nil {
				present.Swap(fresh).Close()
			}
		case stage == nil:
			err = errors.New("nothing has begun that could change")
		default:
			err = stage.Change(said.Change)
		}
		if err != nil {
			return err
		}
	}
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
