package gatelodge

import (
	"crypto/rand"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// How an HTTP request becomes what the authority is asked about: bytes as they came, cut where the settings say. None of
// it is judged here.

// sessionCookies returns every value that came under a session cookie name.
func sessionCookies(header http.Header, s *settings) []*v1.Cookie {
	return cookiesNamed(header["Cookie"], s.sessionCookies, s.limits)
}

// loginCookies returns every value that came under a session or binding cookie name.
func loginCookies(header http.Header, s *settings) []*v1.Cookie {
	return append(sessionCookies(header, s), cookiesNamed(header["Cookie"], s.bindingCookies, s.limits)...)
}

// cookiesNamed cuts the Cookie header at each ";" and at the first "=" of a pair, and reads it no further: a value keeps
// its quotes, its escapes and its bytes that are not UTF-8 (RFC 6265, 5.4; security.md 63). Request.Cookie would drop
// and rewrite some.
func cookiesNamed(lines, names []string, limits limits) []*v1.Cookie {
	var cookies []*v1.Cookie
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if !ok || !slices.Contains(names, name) {
				continue
			}
			if limits.cookies > 0 && len(cookies) == limits.cookies {
				return cookies
			}
			cookies = append(cookies, &v1.Cookie{Name: name, Value: cutPast(value, limits.cookieBytes)})
		}
	}
	return cookies
}

// target returns path and query as in the request's first line. A middleware may have changed r.URL; not RequestURI,
// which only a request that came from no server lacks.
func target(r *http.Request) string {
	line := r.RequestURI
	if line == "" {
		return r.URL.RequestURI()
	}
	if strings.HasPrefix(line, "/") {
		return line
	}
	// The absolute form, as a proxy is sent it: http://host/path.
	if _, rest, ok := strings.Cut(line, "://"); ok {
		at := strings.IndexAny(rest, "/?")
		switch {
		case at < 0:
			return "/"
		case rest[at] == '?':
			return "/" + rest[at:]
		}
		return rest[at:]
	}
	return line
}

// query returns the text after the first "?" of the first line.
func query(r *http.Request, s *settings) []byte {
	_, query, _ := strings.Cut(target(r), "?")
	return cutPast(query, s.limits.queryBytes)
}

// requestContext is what the authority has to know of the request beside its cookies.
func requestContext(r *http.Request, s *settings) *v1.RequestContext {
	longest := s.limits.headerBytes
	one := func(canonical string) []byte { return joined(r.Header[canonical], longest) }
	context := &v1.RequestContext{
		Method:         cut(r.Method, longest),
		Target:         cut(target(r), longest),
		PeerAddress:    peerAddress(r.RemoteAddr),
		XForwardedFor:  lastLines(r.Header["X-Forwarded-For"], longest),
		Forwarded:      lastLines(r.Header["Forwarded"], longest),
		UserAgent:      one("User-Agent"),
		AcceptLanguage: one("Accept-Language"),
		Accept:         one("Accept"),
		ContentType:    one("Content-Type"),
		Upgrade:        one("Upgrade"),
		Origin:         one("Origin"),
		SecFetchSite:   one("Sec-Fetch-Site"),
		SecFetchMode:   one("Sec-Fetch-Mode"),
		SecFetchDest:   one("Sec-Fetch-Dest"),
		XRequestedWith: one("X-Requested-With"),
		CsrfToken:      one(http.CanonicalHeaderKey(s.csrfHeader)),
		XTenantId:      one("X-Tenant-Id"),
	}
	if s.placeHeader != "" {
		context.Place = one(http.CanonicalHeaderKey(s.placeHeader))
	}
	if r.Host != "" { // net/http keeps the Host header here
		context.Host = cut(r.Host, longest)
	}
	return context
}

// peerAddress returns the TCP peer's address without its port. What has no port was put there by somebody else, such as
// a middleware that trusts forwarded headers, and is not passed on as the peer's.
func peerAddress(remote string) []byte {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return nil
	}
	return []byte(peer.Addr().Unmap().WithZone("").String())
}

// requestID returns the id that joins the browser's answer with the authority's log: the one that came if it is plain,
// else a new one.
func requestID(came []string) string {
	if len(came) > 0 && isRequestID(came[0]) {
		return came[0]
	}
	return rand.Text()
}

func isRequestID(id string) bool {
	other := func(c rune) bool { return !isAlphanumeric(c) && c != '-' && c != '_' && c != '.' }
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, other)
}

// joined returns nil for a header that did not come, and not for one that is empty.
func joined(lines []string, longest int) []byte {
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return cut(lines[0], longest)
	}
	return cut(strings.Join(lines, ", "), longest)
}

// lastLines returns the end of a header that proxies append to, line by line: of the last lines one byte more than the
// authority reads.
func lastLines(lines []string, longest int) [][]byte {
	const most = 64
	room := math.MaxInt
	if longest > 0 {
		room = longest + 1
	}
	var last [][]byte
	for _, line := range slices.Backward(lines[max(0, len(lines)-most):]) {
		if room == 0 {
			break
		}
		kept := line[max(0, len(line)-room):]
		room -= len(kept)
		last = append(last, []byte(kept))
	}
	slices.Reverse(last)
	return last
}

func cut(text string, longest int) []byte {
	if longest > 0 && len(text) > longest {
		text = text[:longest]
	}
	return []byte(text)
}

// cutPast cuts to one byte more than the limit, so that the authority sees that it is too long.
func cutPast(text string, limit int) []byte {
	if limit == 0 {
		return []byte(text)
	}
	return cut(text, limit+1)
}
