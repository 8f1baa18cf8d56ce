package quickstart

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A version of its own for each run: the machine's module cache never takes another's for it.
var version = fmt.Sprintf("v0.0.0-0.test%d", time.Now().UnixNano())

// build makes a program of one file in an empty project, which has this module and these others.
func build(t *testing.T, source string, others ...string) string {
	t.Helper()
	project := t.TempDir()
	write(t, filepath.Join(project, "main.go"), []byte(source))
	run := tool(t, project, publish(t))
	run("mod", "init", "example.com/program")
	run(append([]string{"get", module + "@" + version}, others...)...)
	run("vet", ".")
	run("build", "-o", "program", ".")
	return filepath.Join(project, "program")
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
	hasLicense := false
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
		hasLicense = hasLicense || name == "LICENSE"
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
	if !hasLicense {
		t.Error("the module holds no LICENSE: its documentation is not shown without one")
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
