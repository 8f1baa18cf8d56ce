package gatelodge

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFaultNamesItsSetting(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	const here, there = "http://127.0.0.1:1", "https://auth.example.com"
	for _, row := range []struct {
		variables map[string]string
		named     string
	}{
		{nil, EnvAddress},
		{map[string]string{EnvAPIKey: "k"}, EnvAddress},
		{map[string]string{EnvAddress: here}, EnvAPIKey},
		{map[string]string{EnvAddress: here, EnvAPIKey: " "}, EnvAPIKey},
		{map[string]string{EnvAddress: here, EnvAPIKey: "a\nb"}, EnvAPIKey},
		{map[string]string{EnvAddress: "127.0.0.1:50051", EnvAPIKey: "k"}, EnvAddress},
		{map[string]string{EnvAddress: "localhost:50051", EnvAPIKey: "k"}, EnvAddress},
		{map[string]string{EnvAddress: "ftp://auth.example.com", EnvAPIKey: "k"}, EnvAddress},
		{map[string]string{EnvAddress: "http://auth.example.com/path", EnvAPIKey: "k"}, EnvAddress},
		{map[string]string{EnvAddress: "http://auth.example.com?a", EnvAPIKey: "k"}, EnvAddress},
		{map[string]string{EnvAddress: "http://user@auth.example.com", EnvAPIKey: "k"}, EnvAddress},
		{map[string]string{EnvAddress: "http://", EnvAPIKey: "k"}, EnvAddress},
		{map[string]string{EnvAddress: here, EnvAPIKey: "k", EnvTenant: "a\nb"}, EnvTenant},
		{map[string]string{EnvAddress: here, EnvAPIKey: "k", EnvKeepAnswers: "many"}, EnvKeepAnswers},
		{map[string]string{EnvAddress: here, EnvAPIKey: "k", EnvKeepAnswers: "-1"}, EnvKeepAnswers},
		{map[string]string{EnvAddress: here, EnvAPIKey: "k", EnvCAFile: "ca.pem"}, EnvCAFile},
		{map[string]string{EnvAddress: there, EnvAPIKey: "k", EnvCAFile: "/nowhere/ca.pem"}, EnvCAFile},
		{map[string]string{EnvAddress: there, EnvAPIKey: "k", EnvCAFile: empty}, EnvCAFile},
		{map[string]string{EnvAddress: there, EnvAPIKey: "k", EnvCertFile: "c.pem"}, EnvKeyFile},
		{map[string]string{EnvAddress: there, EnvAPIKey: "k", EnvKeyFile: "k.pem"}, EnvCertFile},
		{map[string]string{EnvAddress: there, EnvAPIKey: "k", EnvCertFile: empty, EnvKeyFile: empty}, EnvCertFile},
	} {
		_, err := NewClient(fromVariables(func(name string) string { return row.variables[name] }))
		fault, ok := errors.AsType[*OptionError](err)
		if !ok || fault.Setting != row.named || !strings.Contains(err.Error(), row.named) {
			t.Errorf("%v: %v", row.variables, err)
		}
	}
	for _, address := range []string{here, there, "http://localhost", "https://[2001:db8::7]:50051/"} {
		client, err := NewClient(WithAddress(address), WithAPIKey("k"))
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		_ = client.Close()
	}
}

func TestALaterOptionOverridesAnEarlierOne(t *testing.T) {
	t.Setenv(EnvAddress, "nonsense")
	t.Setenv(EnvAPIKey, "k")
	client, err := NewClient(FromEnv(), WithAddress("http://127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
}

func TestPlaintextToAnotherMachineIsSaidInTheLog(t *testing.T) {
	for address, isInClear := range map[string]bool{
		"http://auth.example.com": true, "http://10.0.0.7:50051": true, "http://[2001:db8::1]:1": true,
		"http://localhost.example": true, "http://127.0.0.1:1": false, "http://127.9.9.9": false, "http://[::1]:1": false,
		"http://[::ffff:127.0.0.1]:1": false, "http://localhost:1": false, "http://a.LOCALHOST": false,
		"https://auth.example.com": false,
	} {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		client, err := NewClient(WithAddress(address), WithAPIKey("canary"), WithLogger(logger))
		if err != nil {
			t.Fatal(err)
		}
		_ = client.Close()
		if said := log.String(); strings.Contains(said, EnvAddress) != isInClear || strings.Contains(said, "canary") {
			t.Errorf("%s: %q", address, said)
		}
	}
}
