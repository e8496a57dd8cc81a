package cli

import (
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flashq/e2e/certs"
	"flashq/http"
)

// shown is the name on the certificate that the broker would show.
func shown(c *certificate) string { return c.current.Load().Leaf.Subject.CommonName }

func TestTheCertificate(t *testing.T) {
	ca := certs.New(t)
	cert, key := ca.Issue(t, "one").Write(t, t.TempDir())
	_, other := ca.Issue(t, "two").Write(t, t.TempDir())
	c, _, err := serveWith(t, "--tls-cert="+cert, "--tls-key="+key)
	if err != nil || shown(c.tls) != "one" {
		t.Fatal(err)
	}
	locked := filepath.Join(t.TempDir(), "locked.pem")
	der := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("secret")})
	if err := os.WriteFile(locked, der, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ cert, key, want string }{
		"no key":           {cert, "", "--tls-cert needs the certificate's key; allowed: beside --tls-key FILE"},
		"no certificate":   {"", key, "--tls-key needs the key's certificate; allowed: beside --tls-cert FILE"},
		"no such file":     {"none.pem", key, "--tls-cert: open none.pem"},
		"no such key":      {cert, "none.pem", "--tls-key: open none.pem"},
		"another's key":    {cert, other, "private key does not match public key; allowed"},
		"switched":         {key, cert, "PEM inputs may have been switched"},
		"an encrypted key": {cert, locked, "openssl pkey -in " + locked},
		"a folder":         {t.TempDir(), key, "--tls-cert: read"},
		"no PEM":           {os.Args[0], key, "failed to find any PEM data in certificate input"},
	} {
		_, _, err := serveWith(t, "--tls-cert="+test.cert, "--tls-key="+test.key)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "tls: ") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		code := exitFailed // a file may be better soon
		if test.cert == "" || test.key == "" {
			code = exitUsage
		}
		if got := exitCode(err); got != code {
			t.Errorf("%s: exit code %d instead of %d", name, got, code)
		}
	}
}

func TestACertificateThatNoClientTakesIsToldOf(t *testing.T) {
	ca, hour := certs.New(t), time.Hour
	for want, valid := range map[string][2]time.Duration{
		"has expired": {-2 * hour, -hour}, "is not valid yet": {hour, 2 * hour}, "": {-hour, hour},
	} {
		pair := ca.IssueFor(t, "x", time.Now().Add(valid[0]), time.Now().Add(valid[1]))
		c := &certificate{}
		c.cert, c.key = pair.Write(t, t.TempDir())
		var out strings.Builder
		stop, err := c.serve(&http.Config{}, slog.New(slog.NewTextHandler(&out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		stop()
		if !strings.Contains(out.String(), want) || (want == "") != (out.String() == "") {
			t.Errorf("want %q: %s", want, out.String())
		}
	}
}

// Two files are one certificate: a pair that does not fit changes nothing.
func TestABrokenPairKeepsTheCertificate(t *testing.T) {
	ca, dir := certs.New(t), t.TempDir()
	c := &certificate{}
	c.cert, c.key = ca.Issue(t, "one").Write(t, dir)
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.cert, ca.Issue(t, "two").Cert, 0o600); err != nil { // its key is not there
		t.Fatal(err)
	}
	if err := c.load(); err == nil || shown(c) != "one" {
		t.Errorf("%v, and %s is shown", err, shown(c))
	}
	ca.Issue(t, "three").Write(t, dir)
	if err := c.load(); err != nil || shown(c) != "three" {
		t.Errorf("%v, and %s is shown", err, shown(c))
	}
}

func TestWhoMayComeIsToldAtTheStart(t *testing.T) {
	for _, test := range []struct {
		exposure
		refused bool
		says    string
	}{
		{exposure{}, false, ""},
		{exposure{tokens: true}, false, ""},
		{exposure{insecure: true}, false, "changes nothing: only this machine"},
		{exposure{world: true}, true, ""},
		{exposure{world: true, encrypted: true}, true, ""},
		{exposure{world: true, insecure: true}, false, "everybody who reaches this address may read, write and delete"},
		{exposure{world: true, insecure: true, encrypted: true}, false, "everybody who reaches"},
		{exposure{world: true, tokens: true}, false, "tokens and records travel in clear"},
		{exposure{world: true, tokens: true, insecure: true}, false, "tokens and records travel in clear"},
		{exposure{world: true, tokens: true, encrypted: true}, false, ""},
		{exposure{world: true, tokens: true, encrypted: true, insecure: true}, false, "changes nothing: requests need a token"},
	} {
		if err := test.check(); (err != nil) != test.refused {
			t.Errorf("%+v: %v", test.exposure, err)
		}
		if test.refused {
			continue
		}
		var out strings.Builder
		test.warn(slog.New(slog.NewTextHandler(&out, nil)))
		lines := strings.Count(out.String(), "level=WARN")
		if !strings.Contains(out.String(), test.says) || (test.says != "") != (lines == 1) || lines > 1 {
			t.Errorf("%+v: %s", test.exposure, out.String())
		}
	}
}
