// Command edgeundertest is the Go edge for tests/edges. It reads GATELODGE_ADDRESS, GATELODGE_API_KEY, LISTEN and, if
// set, MOUNT_PREFIX, and prints "ready" once it listens. It keeps no answers and
// shares no stream, since the suite counts calls, unless GATELODGE_KEEP_ANSWERS says that it keeps some: then nobody counts.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	"github.com/gatelodge/gatelodge/clients/go/internal/application"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	kept, _ := strconv.Atoi(os.Getenv(gatelodge.EnvKeepAnswers))
	client, err := gatelodge.NewClient(gatelodge.WithKeepAnswers(0), gatelodge.FromEnv(), gatelodge.WithCheckStream(kept > 0))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	prefix := os.Getenv("MOUNT_PREFIX")
	edge, err := gatelodge.NewEdge(client, gatelodge.WithMountPrefix(prefix))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return http.Serve(listener, application.New(edge, prefix))
}
