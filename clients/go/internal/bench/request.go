package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
)

// request: what a check adds to a request over a socket, beside the same route without one. The CPU is that of browser
// and server together, so the difference is the check's.
func request(address string) figures {
	keeps, asks := clientOf(address), clientOf(address, gatelodge.WithKeepAnswers(0))
	defer func() { _, _ = keeps.Close(), asks.Close() }()
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	guarded := func(client *gatelodge.Client) http.Handler {
		gate := gatelodge.NewGate(client)
		if err := gate.Ready(context.Background()); err != nil {
			log.Panic(err)
		}
		return gate.Require()(hello)
	}
	routes := []struct {
		name    string
		handler http.Handler
		costs   []cost
	}{{name: "plain", handler: hello}, {name: "kept", handler: guarded(keeps)}, {name: "asked", handler: guarded(asks)}}
	for round := range rounds + 1 {
		for i := range routes {
			server := httptest.NewServer(routes[i].handler)
			found := measured(3000, func(number int) { browse(server, number) })
			server.Close()
			if round > 0 { // the first is for warmth
				routes[i].costs = append(routes[i].costs, found)
			}
		}
	}
	of := map[string]cost{}
	for _, route := range routes {
		of[route.name] = median(route.costs)
	}
	return figures{
		"plain_us": us(of["plain"].wall), "plain_cpu_us": us(of["plain"].cpu),
		"kept_adds_us": us(of["kept"].wall - of["plain"].wall), "kept_adds_cpu_us": us(of["kept"].cpu - of["plain"].cpu),
		"asked_adds_us": us(of["asked"].wall - of["plain"].wall), "asked_adds_cpu_us": us(of["asked"].cpu - of["plain"].cpu),
	}
}

// browse sends requests as a browser does.
func browse(server *httptest.Server, number int) {
	request, err := http.NewRequest("GET", server.URL+"/private?a=b", nil)
	if err != nil {
		log.Panic(err)
	}
	for name, value := range map[string]string{
		"Cookie":     "theme=dark; session=" + strings.Repeat("x", 90),
		"User-Agent": userAgent, "Accept-Language": languages, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
		"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
	} {
		request.Header.Set(name, value)
	}
	for range number {
		got, err := server.Client().Do(request)
		if err != nil {
			log.Panic(err)
		}
		_, _ = io.Copy(io.Discard, got.Body)
		_ = got.Body.Close()
		if got.StatusCode != http.StatusOK {
			log.Panic(got.Status)
		}
	}
}
