// Package dev starts a real authority for tests: `gatelodge dev`, with its development provider.
package dev

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Dev is one that runs.
type Dev struct {
	// Address is the authority's, Provider the development provider's.
	Address, Provider string
	// BaseURL is where browsers reach the edge, and Listen where that edge has to listen.
	BaseURL, Listen string
	// Keys are the API keys by role: edge, backend, admin.
	Keys map[string]string
	// Stop ends it. It is also ended with the test.
	Stop func()
}

// Start starts the program that GATELODGE_BIN names, or the one that the build left.
func Start(t *testing.T) *Dev {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	built := filepath.Join(cmp.Or(os.Getenv("CARGO_TARGET_DIR"), filepath.Join(here, "../../../../../target")), "debug/gatelodge")
	program := cmp.Or(os.Getenv("GATELODGE_BIN"), built)
	authority, edge, provider := FreePort(t), FreePort(t), FreePort(t)
	d := &Dev{
		Address: "http://127.0.0.1:" + authority, Provider: "http://127.0.0.1:" + provider,
		BaseURL: "http://localhost:" + edge, Listen: "127.0.0.1:" + edge, Keys: map[string]string{},
	}
	command := exec.Command(program, "dev", "--ephemeral", "--listen", "127.0.0.1:"+authority,
		"--edge-listen", "127.0.0.2:"+edge, "--provider-listen", "127.0.0.1:"+provider)
	command.Dir = t.TempDir()
	var log bytes.Buffer
	command.Stderr = &log
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("%v: build it with `cargo build`, or name it in GATELODGE_BIN", err)
	}
	d.Stop = sync.OnceFunc(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	t.Cleanup(d.Stop)
	key := regexp.MustCompile(`^  (edge|backend|admin) +(glk_\S+)$`)
	lines := bufio.NewScanner(output)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		if found := key.FindStringSubmatch(lines.Text()); found != nil {
			d.Keys[found[1]] = found[2]
		}
	}
	if len(d.Keys) != 3 {
		t.Fatalf("%s did not start: %v", program, log.String())
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return d
}

// FreePort returns a port of the loopback address that nobody listens on.
func FreePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}
