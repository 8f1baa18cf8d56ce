package gatelodge

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// However slowly a body comes, it has come after this.
const bodyWithin = 10 * time.Second

var (
	errBodyBroken = errors.New("the request broke off")
	errBodyLate   = errors.New("the request's body did not come in time")
)

const (
	formKind = "application/x-www-form-urlencoded"
	jsonKind = "application/json"
)

// body returns the body when it is of this kind, cut to one byte more than the authority reads, as the query is. The body
// of anything else stays unread.
func body(w http.ResponseWriter, r *http.Request, s *settings, kind string) ([]byte, error) {
	if !isOfKind(r.Header["Content-Type"], kind) || r.Body == nil {
		return nil, nil
	}
	// Where a middleware hides the connection, the server's own limits count.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(bodyWithin))
	longest := int64(s.limits.bodyBytes) + 1
	came, err := io.ReadAll(io.LimitReader(r.Body, longest))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errBodyLate
	case err != nil:
		return nil, errBodyBroken
	case int64(len(came)) < longest:
		// All has come: net/http listens on for the browser's leaving, which takes as long as the answer does.
		_ = connection.SetReadDeadline(time.Time{})
	}
	return came, nil
}

// isOfKind says whether the one Content-Type is this, its parameters aside.
func isOfKind(labels []string, wanted string) bool {
	if len(labels) != 1 {
		return false
	}
	kind, _, _ := strings.Cut(labels[0], ";")
	return strings.EqualFold(strings.Trim(kind, " \t"), wanted)
}

// withoutBody answers a request whose body did not come. Nobody is waiting for it, most likely.
func (a asker) withoutBody(err error) *response {
	if errors.Is(err, errBodyLate) {
		return a.problem(http.StatusRequestTimeout, "REQUEST_TIMEOUT", "The request's body did not come in time.")
	}
	return a.problem(http.StatusBadRequest, "REQUEST_BROKEN", "The request broke off.")
}
