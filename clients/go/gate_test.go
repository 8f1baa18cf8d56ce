package gatelodge

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
)

func TestUntilThereAreSettingsEveryRouteIs503AndThenItRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		s.say(getSettings, fails(codes.Internal, ErrInternal))
		client := s.client(t)
		edge, err := NewEdge(client)
		if err != nil {
			t.Fatal(err)
		}
		app := edge.Gate().Sessions(http.NotFoundHandler())
		for _, path := range []string{"/auth/web/login", "/auth/web/callback", "/auth/me", "/auth/web/logged-out"} {
			assertCouldNotSay(t, get(edge, path))
		}
		assertCouldNotSay(t, get(app, "/"))
		if got := get(edge, "/elsewhere"); got.Code != 404 {
			t.Errorf("no other path is touched: %d", got.Code)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := edge.Gate().Ready(ctx); err == nil || !strings.Contains(err.Error(), "INTERNAL") {
			t.Errorf("what is in the way? %v", err)
		}
		s.say(validate, active())
		s.say(getSettings, settingsOf("v1"))
		wait.ForSettings(t, edge.Gate())
		if got := get(edge, "/auth/me"); got.Code != 200 {
			t.Errorf("%d", got.Code)
		}
		_ = client.Close()
	})
}

func TestASetThatIsOffIsAnUnknownPath(t *testing.T) {
	s, off := &scripted{}, settingsOf("v1")
	off.Settings.RouteSets = nil
	s.say(getSettings, off)
	edge := s.edge(t)
	if got := get(edge, "/auth/me"); got.Code != 404 || len(s.called(validate)) != 0 {
		t.Error(got.Code)
	}
	none := withSettings().edge(t, WithRouteSets())
	if got := get(none, "/auth/me"); got.Code != 404 {
		t.Error(got.Code)
	}
}

func TestSettingsAreKeptFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withSettings()
		client := s.client(t)
		gate := NewGate(client)
		wait.ForSettings(t, gate)
		asked := func() int { synctest.Wait(); return len(s.called(getSettings)) }

		time.Sleep(4 * time.Minute)
		if asked() != 1 {
			t.Errorf("asked %d times before the time to ask again", asked())
		}
		time.Sleep(2 * time.Minute)
		if asked() != 2 {
			t.Errorf("asked %d times when it was time", asked())
		}
		// An answer names another version: asked at once, and at most once a second.
		for range 20 {
			gate.sawVersion("v2")
			time.Sleep(100 * time.Millisecond)
		}
		if n := asked(); n < 3 || n > 5 {
			t.Errorf("asked %d times", n)
		}
		before := asked()
		for _, version := range []string{"", "v1"} { // it names none, or the one that is held
			gate.sawVersion(version)
			time.Sleep(2 * time.Second)
		}
		if asked() != before {
			t.Errorf("asked %d times for nothing", asked()-before)
		}

		// A failure and unusable settings leave the last good ones.
		s.say(getSettings, settingsOf("v2"))
		time.Sleep(10 * time.Minute)
		broken := settingsOf("v3")
		broken.Settings.CsrfHeader = "no header\r\n"
		s.say(getSettings, fails(codes.Unavailable, ErrStoreUnavailable), broken)
		before = asked()
		time.Sleep(20 * time.Minute)
		if held := gate.settings(""); held == nil || held.version != "v2" || asked() < before+3 {
			t.Errorf("%+v after %d questions", held, asked()-before)
		}
		_ = client.Close()
	})
}

func TestFailuresAreAskedAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		s.say(getSettings, fails(codes.Internal, ErrInternal))
		client := s.client(t)
		NewGate(client)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if asked := len(s.called(getSettings)); asked < 110 || asked > 260 {
			t.Errorf("asked %d times in ten minutes", asked)
		}
		_ = client.Close()
	})
}

func TestWhatAnOperatorHasToKnowIsLogged(t *testing.T) {
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := withSettings()
	elsewhere := settingsOf("v1")
	elsewhere.Settings.CallbackAddresses = []*v1.CallbackAddress{
		{RouteSet: v1.RouteSet_ROUTE_SET_WEB, Url: "https://a.example/app/auth/web/callback"},
	}
	s.say(getSettings, elsewhere)
	edge, err := NewEdge(s.client(t, WithLogger(logger)))
	if err != nil {
		t.Fatal(err)
	}
	wait.ForSettings(t, edge.Gate())
	if !strings.Contains(log.String(), "mount prefix") {
		t.Errorf("a callback elsewhere: %s", log.String())
	}
	s.say(validate, fails(codes.Unauthenticated, ErrCallerUnauthenticated))
	get(edge, "/auth/me")
	if !strings.Contains(log.String(), EnvAPIKey) || strings.Contains(log.String(), testKey) {
		t.Errorf("a wrong key: %s", log.String())
	}
	before := len(log.String())
	s.say(validate, fails(codes.PermissionDenied, ErrTenantUnknown))
	get(edge, "/auth/me")
	if said := log.String()[before:]; !strings.Contains(said, EnvTenant) || strings.Contains(said, EnvAPIKey) {
		t.Errorf("no such tenant: %s", said)
	}
}

func TestACallbackElsewhereIsNoticed(t *testing.T) {
	plain := &v1.CallbackAddress{RouteSet: 1, Url: "http://localhost:8000/auth/web/callback"}
	app := &v1.CallbackAddress{RouteSet: 1, Url: "https://a.example/app/auth/web/callback"}
	for i, row := range []struct {
		ours      string
		addresses []*v1.CallbackAddress
		other     string
	}{
		{"/auth/web/callback", []*v1.CallbackAddress{app, plain}, ""},
		{"/auth/web/callback", nil, ""},
		{"/auth/web/callback", []*v1.CallbackAddress{app}, app.Url},
		{"/app/auth/web/callback", []*v1.CallbackAddress{plain}, plain.Url},
	} {
		if got, _ := otherCallback(row.ours, row.addresses); got != row.other {
			t.Errorf("row %d: %q", i, got)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
