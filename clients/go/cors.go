package gatelodge

import (
	"net/http"
	"slices"
)

// How the edge's routes answer requests from other origins (Fetch, "CORS protocol"). They go by the settings alone, and
// guard nothing: what an origin may do is the authority's to judge.

// isPreflight says whether a browser asks on behalf of a page of another origin.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions &&
		len(r.Header["Origin"]) > 0 && len(r.Header["Access-Control-Request-Method"]) > 0
}

// preflight answers OPTIONS; what a preflight may know is added for an allowed origin alone.
func (c *cors) preflight(request http.Header) *response {
	header := http.Header{}
	if c.allowedOrigin(request) != "" && len(request["Access-Control-Request-Method"]) > 0 {
		put(header, "Access-Control-Allow-Methods", c.allowedMethods)
		put(header, "Access-Control-Allow-Headers", c.allowedHeaders)
		put(header, "Access-Control-Max-Age", c.maxAge)
	}
	return finish(http.StatusNoContent, header, nil)
}

// share lets an allowed origin read the answer. Caches have to know that others may not.
func (c *cors) share(request, answer http.Header) {
	varyBy(answer, "Origin")
	if origin := c.allowedOrigin(request); origin != "" {
		answer.Set("Access-Control-Allow-Origin", origin)
		answer.Set("Access-Control-Allow-Credentials", "true")
		put(answer, "Access-Control-Expose-Headers", c.exposedHeaders)
	}
}

// share adds what the settings say of every answer of the edge's own.
func (s *settings) share(request http.Header, answer *response) *response {
	if s.isHTTPS {
		answer.header.Set("Strict-Transport-Security", "max-age=31536000") // security.md 66
	}
	s.cors.share(request, answer.header)
	return answer
}

// allowedOrigin returns the request's origin, if it came once and equals an allowed one byte for byte (security.md 72).
func (c *cors) allowedOrigin(request http.Header) string {
	origins := request["Origin"]
	if len(origins) == 1 && slices.Contains(c.allowedOrigins, origins[0]) {
		return origins[0]
	}
	return ""
}

func put(header http.Header, name, value string) {
	if value != "" {
		header.Set(name, value)
	}
}
