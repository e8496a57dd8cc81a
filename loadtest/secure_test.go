package loadtest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flashq/actor"
	"flashq/auth"
	"flashq/e2e/certs"
	"flashq/http"
	"flashq/loadtest/report"
)

// secured is a FlashQ that speaks TLS and asks for tokens.
func secured(t *testing.T) (url, token string, trust *tls.Config) {
	t.Helper()
	authority, file := certs.New(t), filepath.Join(t.TempDir(), "tokens.json")
	token, _, err := auth.Create(file, auth.Entry{Name: "x", Scopes: []string{"read", "write", "admin"}, Topics: []string{""},
		Groups: []string{""}}, false)
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
	pair := authority.Issue(t, "x").TLS(t)
	server, served := http.New(http.Config{Broker: engine, Tokens: tokens, Certificate: func() *tls.Certificate { return pair }}),
		make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := errors.Join(server.Shutdown(ctx), <-served, engine.Close()); err != nil {
			t.Error(err)
		}
	})
	return "https://" + ln.Addr().String(), token, &tls.Config{RootCAs: authority.Pool}
}

// All that is driven goes over TLS and has its token, and is verified as over plain HTTP.
func TestASecuredServerIsDriven(t *testing.T) {
	url, token, trust := secured(t)
	for _, workload := range []string{report.Produce, report.Consume, report.EndToEnd, report.Subscribe} {
		c := Config{Workload: workload, Target: url, Token: token, TLS: trust, SkipNoop: true, Rounds: 1, Records: 500,
			Connections: 2, Streams: 3}
		if workload == report.Subscribe {
			c.Rate, c.Duration = 500, 10*time.Second
		}
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Errorf("%s: %v", workload, err)
			continue
		}
		if !strings.Contains(strings.Join(r.Notes, " "), "over TLS") {
			t.Errorf("%s: nothing is said of TLS: %v", workload, r.Notes)
		}
		if r.Own().OK == 0 || r.Own().Records < 500 || r.Verdict != nil && r.Verdict.Lost+r.Verdict.Doubled+r.Verdict.OutOfOrder > 0 {
			t.Errorf("%s: %+v %+v", workload, r.Own(), r.Verdict)
		}
		for _, wrong := range []func(c *Config){
			func(c *Config) { c.Token = "fq_wrong" },
			func(c *Config) { c.TLS = nil },
			func(c *Config) { c.Target = strings.Replace(url, "https", "http", 1) },
		} {
			bad := c
			wrong(&bad)
			if _, err := Run(t.Context(), bad); err == nil || strings.Contains(err.Error(), token) {
				t.Errorf("%s: %v", workload, err)
			}
		}
	}
	c := Config{Workload: report.Produce, Target: url, Token: token, TLS: trust}
	if _, err := Run(t.Context(), c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "allowed: with --no-noop") {
		t.Error(err)
	}
}
