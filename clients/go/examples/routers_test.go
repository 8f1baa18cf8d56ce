// Package examples shows the edge in routers other than net/http's own. It is a module of its own, so that the client
// depends on none of them.
package examples

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	"github.com/gatelodge/gatelodge/clients/go/gatelodgetest"
	"github.com/gatelodge/gatelodge/clients/go/internal/wait"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
)

func inChi(edge *gatelodge.Edge) http.Handler {
	r := chi.NewRouter()
	r.Handle("/auth/*", edge)
	r.Group(func(r chi.Router) {
		r.Use(edge.Gate().Sessions)
		r.Get("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, whoever(r.Context())) })
		r.With(edge.Gate().Require(gatelodge.Scopes("admin"))).Get("/admin", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, whoever(r.Context()))
		})
	})
	return r
}

func inGin(edge *gatelodge.Edge) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Any("/auth/*route", gin.WrapH(edge))
	r.GET("/", ginGuard(edge.Gate().Sessions), func(c *gin.Context) { c.String(200, whoever(c.Request.Context())) })
	r.GET("/admin", ginGuard(edge.Gate().Require(gatelodge.Scopes("admin"))), func(c *gin.Context) {
		c.String(200, whoever(c.Request.Context()))
	})
	return r
}

// ginGuard makes gin's middleware of net/http's.
func ginGuard(guard func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		goesOn := false
		guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			goesOn = true
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !goesOn {
			c.Abort()
		}
	}
}

func inEcho(edge *gatelodge.Edge) http.Handler {
	e := echo.New()
	e.Any("/auth/*", echo.WrapHandler(edge))
	hello := func(c echo.Context) error { return c.String(200, whoever(c.Request().Context())) }
	e.GET("/", hello, echo.WrapMiddleware(edge.Gate().Sessions))
	e.GET("/admin", hello, echo.WrapMiddleware(edge.Gate().Require(gatelodge.Scopes("admin"))))
	return e
}

func whoever(ctx context.Context) string {
	if session, ok := gatelodge.SessionFrom(ctx); ok {
		return session.UserID
	}
	return "nobody"
}

func TestEveryRouterServesTheEdgeAndSessions(t *testing.T) {
	for name, in := range map[string]func(*gatelodge.Edge) http.Handler{"chi": inChi, "gin": inGin, "echo": inEcho} {
		t.Run(name, func(t *testing.T) {
			authority := gatelodgetest.NewAuthority()
			defer authority.Close()
			edge, err := gatelodge.NewEdge(authority.Client())
			if err != nil {
				t.Fatal(err)
			}
			wait.ForSettings(t, edge.Gate())
			app := in(edge)
			admin := authority.SignIn(gatelodgetest.Session{UserID: "google_1", Scopes: []string{"admin"}})
			user := authority.SignIn(gatelodgetest.Session{UserID: "google_2"})
			for _, row := range []struct {
				who          *gatelodgetest.SignedIn
				method, path string
				status       int
				body         string
			}{
				{nil, "GET", "/", 200, "nobody"}, {user, "GET", "/", 200, "google_2"}, {admin, "GET", "/admin", 200, "google_1"},
				{user, "GET", "/admin", 403, ""}, {nil, "GET", "/admin", 401, ""}, {nil, "GET", "/auth/me", 401, ""},
				{user, "GET", "/auth/me", 200, ""}, {nil, "GET", "/auth/web/login", 302, ""}, {user, "POST", "/auth/web/logout", 200, ""},
				{nil, "GET", "/auth/elsewhere", 404, ""}, {nil, "HEAD", "/auth/web/login", 405, ""},
			} {
				request := httptest.NewRequest(row.method, row.path, nil)
				if row.who != nil {
					row.who.Sign(request)
				}
				got := httptest.NewRecorder()
				app.ServeHTTP(got, request)
				if got.Code != row.status || row.body != "" && got.Body.String() != row.body {
					t.Errorf("%s %s: %d %s", row.method, row.path, got.Code, got.Body)
				}
			}
		})
	}
}
