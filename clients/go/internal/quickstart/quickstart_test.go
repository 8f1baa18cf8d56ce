// Package quickstart runs the README's quick start as a newcomer would: in an empty project, with the module as it is
// published, against `gatelodge dev`.
package quickstart

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatelodge/gatelodge/clients/go/internal/dev"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
)

const (
	module = "github.com/gatelodge/gatelodge/clients/go"
	root   = "../.."
)

// A version of its own for each run: the machine's module cache never takes another's for it.
var version = fmt.Sprintf("v0.0.0-0.test%d", time.Now().UnixNano())

func TestTheQuickStartRunsInAnEmptyProject(t *testing.T) {
	dev, project := dev.Start(t), t.TempDir()
	source := strings.ReplaceAll(program(t, 0), "127.0.0.1:8000", dev.Listen)
	if !strings.Contains(source, dev.Listen) {
		t.Fatal("the quick start listens somewhere else than the test expects")
	}
	write(t, filepath.Join(project, "main.go"), []byte(source))
	run := tool(t, project, publish(t))
	run("mod", "init", "example.com/quickstart")
	run("get", module+"@"+version)
	run("vet", ".")
	run("build", "-o", "quickstart", ".")

	program := exec.Command(filepath.Join(project, "quickstart"))
	program.Env = append(os.Environ(), "GATELODGE_ADDRESS="+dev.Address, "GATELODGE_API_KEY="+dev.Keys["edge"])
	var log bytes.Buffer
	program.Stderr = &log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = program.Process.Kill()
		_ = program.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	wait.Until(t, func() bool {
		conn, err := net.Dial("tcp", dev.Listen)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	var got *http.Response
	wait.Until(t, func() bool { // until the settings have come
		var err error
		if got, err = http.Get("http://" + dev.Listen + "/"); err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		return got.StatusCode != http.StatusServiceUnavailable
	})
	if got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a visitor: %s", got.Status)
	}
	got, err := (&http.Transport{}).RoundTrip(request(t, "http://"+dev.Listen+"/auth/web/login?provider=dev"))
	if err != nil || got.StatusCode != http.StatusFound || !strings.HasPrefix(got.Header.Get("Location"), dev.Provider) {
		t.Fatal(got, err)
	}
	_ = got.Body.Close()

	// A setting that is missing is named, at once.
	broken := exec.Command(filepath.Join(project, "quickstart"))
	broken.Env = []string{"GATELODGE_ADDRESS=" + dev.Address}
	if said, err := broken.CombinedOutput(); err == nil || !strings.Contains(string(said), "GATELODGE_API_KEY is not set") {
		t.Errorf("%s", said)
	}
}

func request(t *testing.T, url string) *http.Request {
	t.Helper()
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	return request
}

// A router of the README's, in an empty project, with the version that the examples have.
func TestTheRouterOfTheReadmeBuildsInAnEmptyProject(t *testing.T) {
	project := t.TempDir()
	write(t, filepath.Join(project, "main.go"), []byte(program(t, 1)))
	examples, err := os.ReadFile(filepath.Join(root, "examples/go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	chi := regexp.MustCompile(`github.com/go-chi/chi/v5 (v\S+)`).FindSubmatch(examples)
	if chi == nil {
		t.Fatal("the examples have no chi")
	}
	run := tool(t, project, publish(t))
	run("mod", "init", "example.com/router")
	run("get", module+"@"+version, "github.com/go-chi/chi/v5@"+string(chi[1]))
	run("vet", ".")
	run("build", "-o", "router", ".")
	broken := exec.Command(filepath.Join(project, "router"))
	broken.Env = []string{"GATELODGE_API_KEY=k"}
	if said, err := broken.CombinedOutput(); err == nil || !strings.Contains(string(said), "GATELODGE_ADDRESS is not set") {
		t.Errorf("%s", said)
	}
}

// program is one of the README's, counted from 0.
func program(t *testing.T, number int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "```go\npackage main\n")
	if len(parts) < number+2 {
		t.Fatalf("the README has %d programs", len(parts)-1)
	}
	source, _, _ := strings.Cut(parts[number+1], "```\n")
	return "package main\n" + source
}

// publish makes a module proxy of files, with this module in it as a release would hold it (the reference: go.dev/ref/mod,
// "Module zip files": no nested modules).
func publish(t *testing.T) string {
	t.Helper()
	proxy := t.TempDir()
	at := filepath.Join(proxy, module, "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	info, _ := json.Marshal(map[string]string{"Version": version, "Time": time.Now().UTC().Format(time.RFC3339)})
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if _, nested := os.Stat(filepath.Join(path, "go.mod")); entry.IsDir() && path != root && nested == nil {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := w.Create(fmt.Sprintf("%s@%s/%s", module, version, filepath.ToSlash(name)))
		if err != nil {
			return err
		}
		_, err = file.Write(text)
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(at, "list"), []byte(version+"\n"))
	write(t, filepath.Join(at, version+".info"), info)
	write(t, filepath.Join(at, version+".mod"), mod)
	write(t, filepath.Join(at, version+".zip"), archive.Bytes())
	return proxy
}

// tool runs the go command in a project, with that proxy before those that are configured. It leaves nothing of this
// module in the machine's module cache.
func tool(t *testing.T, project, proxy string) func(...string) {
	t.Helper()
	env := func(name string) string {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(value))
	}
	t.Cleanup(func() {
		cache := env("GOMODCACHE")
		left, _ := filepath.Glob(filepath.Join(cache, "cache/download", module, "@v", version+".*"))
		for _, path := range append(left, filepath.Join(cache, "cache/download", module, "@v/list"), filepath.Join(cache, module+"@"+version)) {
			_ = os.RemoveAll(path)
		}
	})
	return func(words ...string) {
		t.Helper()
		command := exec.Command("go", words...)
		command.Dir = project
		command.Env = append(os.Environ(), "GOPROXY=file://"+proxy+","+env("GOPROXY"), "GONOSUMDB="+module,
			"GOFLAGS=-modcacherw", "GOWORK=off")
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(words, " "), err, said)
		}
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
