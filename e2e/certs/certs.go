// Package certs makes certificates for tests: an authority of their own, and what it signs for this machine.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	PEM  []byte // its own certificate
	Pool *x509.CertPool

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New makes one.
func New(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{Pool: x509.NewCertPool(), key: newKey(t)}
	about := &x509.Certificate{Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	a.cert = about // it signs itself
	der := a.sign(t, about, a.key)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.PEM = block("CERTIFICATE", der)
	a.Pool.AddCert(a.cert)
	return a
}

// Write puts the authority's certificate into a file of its own.
func (a *Authority) Write(t testing.TB) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, a.PEM)
	return file
}

// Pair is a certificate and its key, PEM.
type Pair struct{ Cert, Key []byte }

// Issue makes a certificate of this machine, whose subject has a name, for an hour.
func (a *Authority) Issue(t testing.TB, name string) Pair {
	t.Helper()
	return a.IssueFor(t, name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// IssueFor makes one that is valid for a while.
func (a *Authority) IssueFor(t testing.TB, name string, from, to time.Time) Pair {
	t.Helper()
	key := newKey(t)
	cert := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, NotBefore: from, NotAfter: to}, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{block("CERTIFICATE", cert), block("PRIVATE KEY", der)}
}

// TLS is the pair as crypto/tls takes it.
func (p Pair) TLS(t testing.TB) *tls.Certificate {
	t.Helper()
	both, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &both
}

// Write puts the pair into two files of a folder.
func (p Pair) Write(t testing.TB, dir string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, p.Cert)
	write(t, key, p.Key)
	return cert, key
}

func (a *Authority) sign(t testing.TB, about *x509.Certificate, key *ecdsa.PrivateKey) (der []byte) {
	t.Helper()
	about.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, about, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(t testing.TB, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
