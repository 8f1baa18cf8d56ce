package gatelodgetest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gatelodge/gatelodge/clients/go/internal/scenarios"
)

// One file of scenarios drives the fake authorities of all languages, so that they don't drift apart.
type scenario struct {
	Name  string
	Given scenarios.Given
	step
	Then []struct {
		Given scenarios.Change
		step
	}
}

type step struct {
	Request struct {
		Method, Path string
		Headers      [][2]string
		Body         string
	}
	Expect struct {
		Status     int
		Headers    map[string]*string
		Vary       []string
		JSON       map[string]any
		Body       *string
		SetCookies []string `json:"set_cookies"`
	}
}

func TestEveryScenarioOfTheFakes(t *testing.T) {
	text, err := os.ReadFile("../../scenarios.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Version   int
		Scenarios []scenario
	}
	if err := json.Unmarshal(text, &file); err != nil || file.Version != 1 || len(file.Scenarios) == 0 {
		t.Fatal(file.Version, len(file.Scenarios), err)
	}
	for _, scenario := range file.Scenarios {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			authority, app := start(t)
			stage, err := scenarios.Begin(authority, scenario.Given)
			if err != nil {
				t.Fatal(err)
			}
			scenario.play(t, app)
			for _, next := range scenario.Then {
				if err := stage.Change(next.Given); err != nil {
					t.Fatal(err)
				}
				next.play(t, app)
			}
		})
	}
}

func (s step) play(t *testing.T, app http.Handler) {
	t.Helper()
	request := httptest.NewRequest(s.Request.Method, s.Request.Path, strings.NewReader(s.Request.Body))
	request.Host = "localhost:8000"
	for _, line := range s.Request.Headers {
		request.Header.Add(line[0], line[1])
	}
	got := httptest.NewRecorder()
	app.ServeHTTP(got, request)
	if got.Code != s.Expect.Status {
		t.Errorf("%s: %d, not %d", s.Request.Path, got.Code, s.Expect.Status)
	}
	header := got.Result().Header
	for name, value := range s.Expect.Headers {
		came := header.Values(name)
		if value == nil && len(came) > 0 || value != nil && !slices.Equal(came, []string{*value}) {
			t.Errorf("%s: %q", name, came)
		}
	}
	varies := strings.ToLower(strings.Join(header.Values("Vary"), ","))
	for _, name := range s.Expect.Vary {
		if !strings.Contains(varies, strings.ToLower(name)) {
			t.Errorf("Vary: %q", varies)
		}
	}
	if s.Expect.Body != nil && got.Body.String() != *s.Expect.Body {
		t.Errorf("body: %q", got.Body)
	}
	if s.Expect.JSON != nil {
		body := map[string]any{}
		if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
			t.Errorf("no JSON: %q", got.Body)
		}
		for name, value := range s.Expect.JSON {
			if !reflect.DeepEqual(body[name], value) {
				t.Errorf("%s: %v, not %v", name, body[name], value)
			}
		}
	}
	if s.Expect.SetCookies != nil {
		cookies := []string{}
		for _, line := range header.Values("Set-Cookie") {
			if pair, _, _ := strings.Cut(line, ";"); strings.HasPrefix(pair, "session=") {
				cookies = append(cookies, pair)
			}
		}
		if !slices.Equal(cookies, s.Expect.SetCookies) {
			t.Errorf("cookies: %q, not %q", cookies, s.Expect.SetCookies)
		}
	}
}
