package gatelodge

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// How an answer becomes an HTTP response: the authority's copied, or one of the edge's few own. No status is decided here
// and no cookie written.

// A response is whole before any of it is sent: part of an answer may be a login without its cookie.
type response struct {
	status int
	header http.Header
	body   []byte
}

// write sends it over what others have set: their values stay only where several may stand.
func (a *response) write(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for name, values := range a.header {
		switch name {
		case "Vary":
			varyBy(header, values...)
		case "Set-Cookie":
			header[name] = append(header[name], values...)
		default:
			header[name] = values
		}
	}
	hasBody := a.status >= 200 && a.status != http.StatusNoContent && a.status != http.StatusNotModified
	if hasBody {
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
		if _, typed := a.header["Content-Type"]; !typed {
			header["Content-Type"] = nil // else net/http guesses one
		}
	}
	w.WriteHeader(a.status)
	if hasBody && r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a browser that has gone is nobody's trouble
	}
}

// An asker is one request that is being answered: what each answer to it needs to know.
type asker struct {
	requestID string
	logger    *slog.Logger
}

// copy copies a finished answer, or none of it.
func (a asker) copy(answer *v1.HttpAnswer) *response {
	copied, err := copyAnswer(answer)
	if err != nil {
		a.logger.Error("gatelodge: the authority's answer can't be passed on", "error", err, "request_id", a.requestID)
		return a.unavailable(nil)
	}
	return copied
}

func copyAnswer(answer *v1.HttpAnswer) (*response, error) {
	if answer == nil {
		return nil, errors.New("there is none")
	}
	if answer.Status < 200 || answer.Status > 599 {
		return nil, errors.New("its status is none of HTTP")
	}
	header := http.Header{}
	for _, one := range answer.Headers {
		name := textproto.CanonicalMIMEHeaderKey(one.GetName())
		if !isHeaderName(name) || belongsToConnection[name] {
			return nil, errors.New("a header's name is none, or one that belongs to the connection")
		}
		header.Add(name, one.GetValue())
	}
	for _, cookie := range answer.SetCookies {
		header.Add("Set-Cookie", cookie)
	}
	if answer.Location != "" {
		header.Set("Location", answer.Location)
	}
	if answer.ContentType != "" {
		header.Set("Content-Type", answer.ContentType)
	}
	for name, values := range header {
		for _, value := range values {
			if !isHeaderValue(value) {
				return nil, errors.New("a value is none of the header " + name)
			}
		}
	}
	return finish(int(answer.Status), header, answer.Body), nil
}

var belongsToConnection = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true,
}

// finish adds what belongs on every answer.
func finish(status int, header http.Header, body []byte) *response {
	for name, value := range map[string]string{
		"Cache-Control":           "no-store",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
		"Content-Security-Policy": "frame-ancestors 'none'",
	} {
		if len(header[name]) == 0 {
			header.Set(name, value)
		}
	}
	varyBy(header, "Cookie")
	return &response{status: status, header: header, body: body}
}

// varyBy says that an answer depends on these headers of the request, on each once: an outer guard may have said so, or the
// authority.
func varyBy(header http.Header, lines ...string) {
	isSaid := map[string]bool{}
	for said := range strings.SplitSeq(strings.Join(header["Vary"], ","), ",") {
		isSaid[strings.ToLower(strings.TrimSpace(said))] = true
	}
	for name := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name = strings.TrimSpace(name)
		if lower := strings.ToLower(name); name != "" && !isSaid[lower] {
			isSaid[lower] = true
			header.Add("Vary", name)
		}
	}
}

func (a asker) json(status int, body any) *response {
	text, _ := json.Marshal(body) // the bodies are structs of texts, which can't fail
	return finish(status, http.Header{"Content-Type": {"application/json"}}, text)
}

// problem is one of the edge's own error answers.
func (a asker) problem(status int, reason, detail string) *response {
	return a.json(status, struct {
		Detail    string `json:"detail"`
		Reason    string `json:"reason"`
		RequestID string `json:"request_id"`
	}{detail, reason, a.requestID})
}

// unavailable is "could not say": 503, with the browser's cookies left alone.
func (a asker) unavailable(cause *Error) *response {
	wait := 1
	if cause != nil {
		wait = max(1, int((cause.RetryAfter+time.Second-1)/time.Second))
	}
	detail := "The service can't check your session right now. Try again in a moment."
	answer := a.problem(http.StatusServiceUnavailable, "AUTHORITY_UNAVAILABLE", detail)
	answer.header.Set("Retry-After", strconv.Itoa(wait))
	return answer
}

// failed says in the log why there was no answer, and answers as the authority wishes, or "could not say".
func (a asker) failed(err error) *response {
	if failure, ok := errors.AsType[*Error](err); ok && failure.Answer != nil {
		a.logger.Debug("gatelodge: the authority answers for its provider's trouble", "error", err, "request_id", a.requestID)
		return a.copy(failure.Answer)
	}
	return a.unavailable(logFailure(a.logger.With("request_id", a.requestID), err))
}

// logFailure writes what an operator has to know of a failed call.
func logFailure(logger *slog.Logger, err error) *Error {
	failure, _ := errors.AsType[*Error](err)
	switch {
	case failure != nil && failure.isAbout() == EnvTenant:
		message := "gatelodge: the authority knows no such tenant, or this application's API key is not for it: check " + EnvTenant
		logger.Error(message, "error", err)
	case failure != nil && failure.isAbout() == EnvAPIKey:
		message := "gatelodge: the authority refused this application's API key: check " + EnvAPIKey
		logger.Error(message, "error", err)
	case failure != nil && failure.Code == codes.Canceled:
		logger.Debug("gatelodge: a request was given up", "error", err)
	default:
		logger.Warn("gatelodge: the authority could not say", "error", err)
	}
	return failure
}

// notSignedIn answers for a route that needs a session which is not there.
func (a asker) notSignedIn(answer *v1.HttpAnswer) *response {
	if answer == nil {
		return a.problem(http.StatusUnauthorized, "NOT_SIGNED_IN", "You are not signed in.")
	}
	return a.copy(answer)
}

// forbidden answers for a session that may not make this request.
func (a asker) forbidden(answer *v1.HttpAnswer) *response {
	if answer == nil {
		return a.problem(http.StatusForbidden, "FORBIDDEN", "This session may not make this request.")
	}
	return a.copy(answer)
}

// canDeliver says whether the authority's cookies and token can be headers at all.
func canDeliver(verdict *Verdict) error {
	for _, cookie := range verdict.SetCookies {
		if !isHeaderValue(cookie) {
			return couldNotSay("the authority's cookie is no header value")
		}
	}
	if !isHeaderValue(verdict.CSRFToken) {
		return couldNotSay("the authority's CSRF token is no header value")
	}
	return nil
}
