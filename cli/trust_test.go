package cli

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashq/actor"
	"flashq/auth"
	"flashq/e2e/certs"
	"flashq/http"
)

// trusting is a broker that speaks TLS and wants tokens, and what its clients need.
type trusting struct{ url, plain, ca, token string }

func startTrusting(t *testing.T) trusting {
	t.Helper()
	authority, file := certs.New(t), filepath.Join(t.TempDir(), "tokens.json")
	pair := authority.Issue(t, "broker").TLS(t)
	token, _, err := auth.Create(file, auth.Entry{Name: "x", Scopes: []string{"read"}, Topics: []string{""}, Groups: []string{""}}, false)
	if err != nil {
		t.Fatal(err)
	}
	tokens := auth.New(file)
	if err := tokens.Load(); err != nil {
		t.Fatal(err)
	}
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := http.Config{Broker: engine, Tokens: tokens}
	held := &certificate{}
	held.current.Store(pair)
	c.Certificate = held.current.Load
	server, served := http.New(c), make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	b := trusting{url: "https://" + ln.Addr().String(), ca: authority.Write(t), token: token}
	if code, _, said := flashq("health", "--server", b.url, "--ca", b.ca); code != 0 { // it serves, so that Shutdown can end it
		t.Fatal(said)
	}
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(context.Background()), <-served, engine.Close()); err != nil {
			t.Error(err)
		}
	})
	b.plain = serveAt(t, http.Config{})
	return b
}

func TestCommandsTrustAndAreTrusted(t *testing.T) {
	b := startTrusting(t)
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(name, []byte(text), 0o600), os.Chmod(name, mode)); err != nil {
			t.Fatal(err)
		}
		return name
	}
	mine, shared := file("mine", b.token+"\n", 0o600), file("shared", b.token, 0o640)
	wrong := strings.ToUpper(b.token)
	env := func(name, value string) [2]string { return [2]string{name, value} }
	for name, test := range map[string]struct {
		env  [2]string
		args []string
		code int
		says string
	}{
		"a token":           {args: []string{"--token", b.token}},
		"of a file":         {args: []string{"--token-file", mine}},
		"of the variable":   {env: env(tokenVariable, b.token)},
		"a flag wins":       {env: env(tokenVariable, wrong), args: []string{"--token", b.token}},
		"none":              {code: 1, says: "401 unauthorized"},
		"a wrong one":       {args: []string{"--token", wrong}, code: 1, says: "401 unauthorized"},
		"others' eyes":      {args: []string{"--token-file", shared}, code: 2, says: "(mode 0640); so that only you may: chmod 600 " + shared},
		"no file":           {args: []string{"--token-file", "none"}, code: 2, says: "--token-file: open none"},
		"an empty file":     {args: []string{"--token-file", file("empty", "\n", 0o600)}, code: 2, says: "holds no token"},
		"two lines":         {args: []string{"--token-file", file("two", "a\nb\n", 0o600)}, code: 2, says: "holds no token"},
		"an empty flag":     {args: []string{"--token", ""}, code: 2, says: "--token holds no token"},
		"a broken variable": {env: env(tokenVariable, "a b"), code: 2, says: "$FLASHQ_TOKEN holds no token"},
		"both":              {args: []string{"--token", b.token, "--token-file", mine}, code: 2, says: "allowed: one of them"},
		"no authority":      {args: []string{"--ca", "none.pem"}, code: 2, says: "--ca: open none.pem"},
		"none in it":        {args: []string{"--ca", mine}, code: 2, says: "holds no certificate; allowed: PEM"},
		"another authority": {args: []string{"--ca", certs.New(t).Write(t)}, code: 3, says: "signed by an authority that is not known here; the authority's certificate can be named: --ca FILE, or $FLASHQ_CA"},
		"http to https":     {args: []string{"--server", strings.Replace(b.url, "https", "http", 1)}, code: 1, says: "use https://"},
		"https to http":     {args: []string{"--server", strings.Replace(b.plain, "http", "https", 1)}, code: 3, says: "it speaks plain HTTP; its URL begins with http://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(caVariable, b.ca)
			t.Setenv(serverVariable, b.url)
			if test.env[0] != "" {
				t.Setenv(test.env[0], test.env[1])
			}
			code, out, said := flashq(append([]string{"topics"}, test.args...)...)
			if code != test.code || !strings.Contains(said, test.says) || strings.Count(said, "\n") > 1 {
				t.Errorf("code %d: %s", code, said)
			}
			if secret := b.token[3:]; strings.Contains(out+said, secret) || strings.Contains(out+said, strings.ToUpper(secret)) {
				t.Error("the token is shown:", out, said)
			}
		})
	}
}
