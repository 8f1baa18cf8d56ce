package gatelodge

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// The environment variables that [FromEnv] reads, the same in every language.
const (
	// EnvAddress is the URL of the authority. Its scheme decides TLS: http is plaintext, https is TLS.
	EnvAddress = "GATELODGE_ADDRESS"
	// EnvAPIKey is this caller's API key.
	EnvAPIKey = "GATELODGE_API_KEY"
	// EnvTenant is the tenant that calls are for, by its name or number: see [WithTenant].
	EnvTenant = "GATELODGE_TENANT"
	// EnvCAFile is a PEM file of the issuers whose certificates are accepted, instead of the system's.
	EnvCAFile = "GATELODGE_CA_FILE"
	// EnvCertFile is a PEM file of this caller's own certificate, for mutual TLS.
	EnvCertFile = "GATELODGE_CERT_FILE"
	// EnvKeyFile is a PEM file of the key of that certificate.
	EnvKeyFile = "GATELODGE_KEY_FILE"
	// EnvKeepAnswers is how many answers this process keeps; 0 for none: see [WithKeepAnswers].
	EnvKeepAnswers = "GATELODGE_KEEP_ANSWERS"
)

// An Option says how to reach an authority, for [NewClient]. A later one overrides an earlier one.
type Option func(*options)

type options struct {
	address, apiKey, tenant   string
	caFile, certFile, keyFile string
	keepAnswers               string // a number, or empty for the usual one
	noCheckStream             bool
	deadline                  time.Duration
	conn                      grpc.ClientConnInterface
	dial                      []grpc.DialOption
	logger                    *slog.Logger
}

// FromEnv reads [EnvAddress], [EnvAPIKey], [EnvTenant], [EnvCAFile], [EnvCertFile], [EnvKeyFile] and [EnvKeepAnswers]. An
// empty variable counts as one that is not set.
func FromEnv() Option { return fromVariables(os.Getenv) }

func fromVariables(variable func(string) string) Option {
	return func(o *options) {
		for name, setting := range map[string]*string{
			EnvAddress: &o.address, EnvAPIKey: &o.apiKey, EnvTenant: &o.tenant, EnvCAFile: &o.caFile,
			EnvCertFile: &o.certFile, EnvKeyFile: &o.keyFile, EnvKeepAnswers: &o.keepAnswers,
		} {
			if value := strings.TrimSpace(variable(name)); value != "" {
				*setting = value
			}
		}
	}
}

// WithAddress sets the URL of the authority: http://127.0.0.1:50051, https://auth.example.com.
func WithAddress(address string) Option { return func(o *options) { o.address = address } }

// WithAPIKey sets this caller's API key, which goes with every call.
func WithAPIKey(key string) Option { return func(o *options) { o.apiKey = key } }

// WithTenant asks for this tenant, by its name or number: for a caller whose key is for several. One with a key for one
// needs it not, and neither does an edge that serves several hosts: the authority goes by the request then. Metadata
// x-tenant-id of a call's own context stands in its place.
func WithTenant(name string) Option { return func(o *options) { o.tenant = name } }

// WithCAFile accepts only certificates issued by those in this PEM file.
func WithCAFile(path string) Option { return func(o *options) { o.caFile = path } }

// WithCertFiles presents this certificate, for mutual TLS. Both are PEM files.
func WithCertFiles(cert, key string) Option {
	return func(o *options) { o.certFile, o.keyFile = cert, key }
}

// WithDeadline says how long every call may take, instead of the defaults: 2 seconds, 8 for what ends sessions, 10 where a
// provider may have to be asked, 20 for a login's end. A context that ends sooner ends the call sooner.
func WithDeadline(deadline time.Duration) Option { return func(o *options) { o.deadline = deadline } }

// WithKeepAnswers keeps at most this many answers of [Client.Check] in this process, each for a few seconds; 0 for none.
// The default is 16,384, about 2 kB each.
//
// What ends or changes is dropped as soon as the authority tells, and nothing kept is used while it can't: "Keeping
// answers" in clients/README.md is what to rely on.
func WithKeepAnswers(most int) Option {
	return func(o *options) { o.keepAnswers = strconv.Itoa(most) }
}

// WithCheckStream says whether checks that are under way at the same moment, eight or more, may share a stream
// (CheckSessions), which costs both sides a small part of as many calls. The default is that they may. A stream stays with
// one replica for some minutes: where a balancer has to spread single checks, say no.
func WithCheckStream(may bool) Option { return func(o *options) { o.noCheckStream = !may } }

// WithDialOptions adds options of gRPC, such as a stats handler for traces.
func WithDialOptions(dial ...grpc.DialOption) Option {
	return func(o *options) { o.dial = append(o.dial, dial...) }
}

// WithConn asks over a connection that is there already, such as one to an authority in the same process. Address and
// files are then not used, and [Client.Close] leaves the connection open.
func WithConn(conn grpc.ClientConnInterface) Option { return func(o *options) { o.conn = conn } }

// WithLogger sets where to write what an operator has to know. The default is [slog.Default].
func WithLogger(logger *slog.Logger) Option { return func(o *options) { o.logger = logger } }

// An OptionError says which setting can't be used, and what was expected.
type OptionError struct {
	// Setting is the name of the variable, such as GATELODGE_ADDRESS, or of the option.
	Setting string
	// Problem is what is wrong with it and what was expected.
	Problem string
	// Cause is what the system said, if it was asked.
	Cause error
}

func (e *OptionError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("gatelodge: %s %s: %v", e.Setting, e.Problem, e.Cause)
	}
	return fmt.Sprintf("gatelodge: %s %s", e.Setting, e.Problem)
}

// Unwrap returns the cause.
func (e *OptionError) Unwrap() error { return e.Cause }

// checkRequired names what is not set: where both are missing the address, as in every language.
func (o *options) checkRequired() error {
	switch {
	case o.address == "" && o.conn == nil:
		return &OptionError{Setting: EnvAddress, Problem: "is not set: where is the authority? " + addressForm}
	case o.apiKey == "":
		return &OptionError{Setting: EnvAPIKey, Problem: "is not set: which key does this caller have?"}
	}
	return nil
}

// checkMetadata finds out at once whether key and tenant can be metadata at all.
func (o *options) checkMetadata() error {
	other := func(c rune) bool { return c < '!' || c > '~' }
	if strings.ContainsFunc(o.apiKey, other) {
		return &OptionError{Setting: EnvAPIKey, Problem: "holds characters that a key never has (a line end, perhaps)"}
	}
	if strings.ContainsFunc(o.tenant, other) {
		return &OptionError{Setting: EnvTenant, Problem: "holds characters that no tenant's name has"}
	}
	return nil
}

func (o *options) mostAnswers() (int, error) {
	if o.keepAnswers == "" {
		return keptAnswers, nil
	}
	most, err := strconv.Atoi(o.keepAnswers)
	if err != nil || most < 0 {
		problem := fmt.Sprintf("is %q: expected a number, 0 for none", o.keepAnswers)
		return 0, &OptionError{Setting: EnvKeepAnswers, Problem: problem}
	}
	return most, nil
}

// target returns where to connect, and the TLS configuration if the scheme asks for TLS.
func (o *options) target() (string, *tls.Config, error) {
	at, err := url.Parse(o.address)
	bare := err == nil && at.Hostname() != "" && (at.Path == "" || at.Path == "/")
	if !bare || at.User != nil || at.RawQuery != "" || at.Fragment != "" || (at.Scheme != "http" && at.Scheme != "https") {
		return "", nil, &OptionError{Setting: EnvAddress, Problem: fmt.Sprintf("is %q: %s", o.address, addressForm)}
	}
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	target := "dns:///" + net.JoinHostPort(at.Hostname(), port)
	if at.Scheme == "https" {
		config, err := o.tls()
		return target, config, err
	}
	for name, file := range map[string]string{EnvCAFile: o.caFile, EnvCertFile: o.certFile, EnvKeyFile: o.keyFile} {
		if file != "" {
			problem := "is set, but " + EnvAddress + " begins with http://, which is plaintext: use https://, or leave it out"
			return "", nil, &OptionError{Setting: name, Problem: problem}
		}
	}
	return target, nil, nil
}

// isInClear says whether what is asked crosses a network unencrypted.
func (o *options) isInClear() bool {
	at, err := url.Parse(o.address)
	if err != nil || at.Scheme != "http" {
		return false
	}
	host := strings.ToLower(at.Hostname())
	if address, err := netip.ParseAddr(host); err == nil {
		return !address.Unmap().IsLoopback()
	}
	return host != "localhost" && !strings.HasSuffix(host, ".localhost")
}

const addressForm = "expected a URL of scheme, host and port, such as http://127.0.0.1:50051 or https://auth.example.com"

func (o *options) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.caFile != "" {
		pem, err := os.ReadFile(o.caFile)
		if err != nil {
			return nil, &OptionError{Setting: EnvCAFile, Problem: "can't be read", Cause: err}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &OptionError{Setting: EnvCAFile, Problem: "names a file that holds no certificate: expected PEM"}
		}
	}
	switch {
	case o.certFile == "" && o.keyFile == "":
		return config, nil
	case o.keyFile == "":
		return nil, &OptionError{Setting: EnvKeyFile, Problem: "is not set, but " + EnvCertFile + " is: they go together"}
	case o.certFile == "":
		return nil, &OptionError{Setting: EnvCertFile, Problem: "is not set, but " + EnvKeyFile + " is: they go together"}
	}
	pair, err := tls.LoadX509KeyPair(o.certFile, o.keyFile)
	if err != nil {
		problem := "and " + EnvKeyFile + " can't be used: expected PEM files of a certificate and its key"
		return nil, &OptionError{Setting: EnvCertFile, Problem: problem, Cause: err}
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
