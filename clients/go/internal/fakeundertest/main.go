// Command fakeundertest serves the fake authority over gRPC, for tests/edges to put behind edges of any language. It reads
// LISTEN, prints "ready" and the one key, and is told on its standard input what is given, as tests/edges/README.md says.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
	"github.com/gatelodge/gatelodge/clients/go/internal/scenarios"
	"github.com/gatelodge/gatelodge/clients/go/internal/served"
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
	server := served.Fake(func() grpc.ClientConnInterface { return present.Load().Conn() })
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
