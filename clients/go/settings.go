package gatelodge

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// settings are v1.EdgeSettings, checked: what can't become a header is found here and not at a request.
type settings struct {
	version       string
	askAgainAfter time.Duration
	// Whether browsers reach the edge by https, as the configuration says; never what a request looked like.
	isHTTPS        bool
	sessionCookies []string
	bindingCookies []string
	csrfHeader     string
	placeHeader    string // empty for none
	callbacks      []*v1.CallbackAddress
	cors           cors
	limits         limits
	routeSets      []v1.RouteSet
}

// settled are the settings of every tenant whose requests come to an edge.
type settled struct {
	first  *settings
	all    []*settings
	byHost map[string]*settings
}

// readSettled names the field that can't be used.
func readSettled(answer *v1.GetEdgeSettingsResponse) (*settled, error) {
	tenants := append([]*v1.EdgeSettings{answer.GetSettings()}, answer.GetOthers()...)
	read := &settled{byHost: map[string]*settings{}}
	for _, tenant := range tenants {
		settings, err := readSettings(tenant)
		if err != nil {
			return nil, err
		}
		read.all = append(read.all, settings)
		for _, host := range tenant.GetHosts() {
			if _, isTaken := read.byHost[host]; !isTaken {
				read.byHost[host] = settings
			}
		}
	}
	read.first = read.all[0]
	return read, nil
}

// of returns the settings for requests with this Host: of the tenant that is reached there, else the first.
func (s *settled) of(host string) *settings {
	if len(s.all) == 1 {
		return s.first
	}
	host = strings.ToLower(host)
	for _, name := range []string{host, withoutPort(host)} {
		if found := s.byHost[name]; found != nil {
			return found
		}
	}
	return s.first
}

// withoutPort returns what precedes the last colon and digits: an IPv6 address has brackets where it has a port.
func withoutPort(host string) string {
	at := strings.LastIndexByte(host, ':')
	if at < 0 || strings.ContainsFunc(host[at+1:], func(c rune) bool { return c < '0' || c > '9' }) {
		return host
	}
	return host[:at]
}

// cors is v1.CorsSettings as header values. An empty one is not sent.
type cors struct {
	allowedOrigins                                         []string
	allowedMethods, allowedHeaders, exposedHeaders, maxAge string
}

// limits are v1.Limits. Zero means: not cut. But a body is held in memory, so it has a limit in any case.
type limits struct {
	cookieBytes, cookies, headerBytes, queryBytes, bodyBytes int
}

const longestBody = 64 << 10

const (
	// How often to ask when the authority does not say.
	askAgainAfter = time.Minute
	// However short the time to ask again is, an authority is not asked in a tight circle. And two authorities that
	// differ in their settings, as during a roll-out, make every second answer name another version.
	shortestPause = time.Second
)

// readSettings names the field that can't be used.
func readSettings(given *v1.EdgeSettings) (*settings, error) {
	unusable := func(field string) (*settings, error) {
		return nil, fmt.Errorf("the settings' field %s can't be used", field)
	}
	read := &settings{
		version:        given.GetVersion(),
		askAgainAfter:  askAgainAfter,
		isHTTPS:        strings.HasPrefix(given.GetPublicBaseUrl(), "https://"),
		sessionCookies: given.GetSessionCookieNames(),
		bindingCookies: given.GetBindingCookieNames(),
		csrfHeader:     given.GetCsrfHeader(),
		placeHeader:    given.GetPlaceHeader(),
		callbacks:      given.GetCallbackAddresses(),
		limits: limits{
			cookieBytes: int(given.GetLimits().GetMaxCookieBytes()),
			cookies:     int(given.GetLimits().GetMaxCookies()),
			headerBytes: int(given.GetLimits().GetMaxHeaderBytes()),
			queryBytes:  int(given.GetLimits().GetMaxQueryBytes()),
			bodyBytes:   cmp.Or(int(given.GetLimits().GetMaxBodyBytes()), longestBody),
		},
		routeSets: given.GetRouteSets(),
	}
	if len(read.sessionCookies) == 0 {
		return unusable("session_cookie_names")
	}
	if !isHeaderName(read.csrfHeader) {
		return unusable("csrf_header")
	}
	if read.placeHeader != "" && !isHeaderName(read.placeHeader) {
		return unusable("place_header")
	}
	if after := given.GetAskAgainAfter(); after.IsValid() {
		read.askAgainAfter = max(after.AsDuration(), shortestPause)
	}
	shared := given.GetCors()
	read.cors = cors{
		allowedOrigins: shared.GetAllowedOrigins(),
		allowedMethods: strings.Join(shared.GetAllowedMethods(), ", "),
		allowedHeaders: strings.Join(shared.GetAllowedHeaders(), ", "),
		exposedHeaders: strings.Join(shared.GetExposedHeaders(), ", "),
	}
	for _, value := range []string{read.cors.allowedMethods, read.cors.allowedHeaders, read.cors.exposedHeaders} {
		if !isHeaderValue(value) {
			return unusable("cors")
		}
	}
	if shared.GetMaxAge() != nil {
		read.cors.maxAge = strconv.FormatInt(shared.MaxAge.Seconds, 10)
	}
	return read, nil
}

func (s *settings) isOn(set v1.RouteSet) bool { return slices.Contains(s.routeSets, set) }

// isHeaderName says whether text is a token (RFC 9110, 5.6.2).
func isHeaderName(text string) bool {
	other := func(c rune) bool { return !isAlphanumeric(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", c) }
	return text != "" && !strings.ContainsFunc(text, other)
}

// isHeaderValue says whether text is printable ASCII, as the contract promises.
func isHeaderValue(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}

func isAlphanumeric(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
