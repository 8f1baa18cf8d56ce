package gatelodge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

type issuer struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	i.certificate, i.key = i.issue(template, nil)
	return i
}

func (i *issuer) issue(template *x509.Certificate, parent *issuer) (*x509.Certificate, *ecdsa.PrivateKey) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	by, with := template, key
	if parent != nil {
		by, with = parent.certificate, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, with)
	if err != nil {
		i.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		i.t.Fatal(err)
	}
	return certificate, key
}

// leaf writes a certificate and its key as PEM files.
func (i *issuer) leaf(folder, name string) (cert, key string) {
	certificate, private := i.issue(&x509.Certificate{DNSNames: []string{name}}, i)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		i.t.Fatal(err)
	}
	cert, key = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+"-key.pem")
	i.write(cert, "CERTIFICATE", certificate.Raw)
	i.write(key, "PRIVATE KEY", der)
	return cert, key
}

func (i *issuer) write(path, kind string, der []byte) string {
	i.t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return path
}

// security.md 100: only who shows a certificate of the right issuer is answered, and only such an authority is asked.
func TestHTTPSTrustsTheGivenAuthorityAndShowsTheGivenCertificate(t *testing.T) {
	folder, ours, theirs := t.TempDir(), newIssuer(t), newIssuer(t)
	ca := ours.write(filepath.Join(folder, "ca.pem"), "CERTIFICATE", ours.certificate.Raw)
	otherCA := ours.write(filepath.Join(folder, "other.pem"), "CERTIFICATE", theirs.certificate.Raw)
	serverCert, serverKey := ours.leaf(folder, "localhost")
	cert, key := ours.leaf(folder, "edge")

	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ours.certificate)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	})))
	v1.RegisterSessionServiceServer(server, yesToAll{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	_, port, _ := net.SplitHostPort(listener.Addr().String())

	check := func(opts ...Option) error {
		here := []Option{WithAddress("https://localhost:" + port), WithAPIKey(testKey), WithDeadline(10 * time.Second)}
		client, err := NewClient(append(here, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = client.Close() }()
		_, err = client.Check(t.Context(), question)
		return err
	}
	if err := check(WithCAFile(ca), WithCertFiles(cert, key)); err != nil {
		t.Fatal(err)
	}
	for name, opts := range map[string][]Option{
		"another issuer": {WithCAFile(otherCA), WithCertFiles(cert, key)}, "the system's issuers": {WithCertFiles(cert, key)},
	} {
		if err := check(opts...); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := check(WithCAFile(ca)); err == nil || !strings.Contains(err.Error(), "can't be reached") {
		t.Errorf("without a certificate: %v", err)
	}
}
