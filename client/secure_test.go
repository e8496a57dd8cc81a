package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flashq/client"
	"flashq/e2e/certs"
)

// secured is a server of HTTPS that keeps the Authorization headers that it got, and answers with a redirect.
func secured(t *testing.T, authority *certs.Authority, to string) (url string, got *[]string) {
	t.Helper()
	got = new([]string)
	s := httptest.NewUnstartedServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		*got = append(*got, r.Header.Get("Authorization"))
		if to != "" {
			nethttp.Redirect(w, r, to+r.URL.Path, nethttp.StatusTemporaryRedirect)
			return
		}
		_, _ = w.Write([]byte(`{"groups":[]}`))
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{*authority.Issue(t, "x").TLS(t)}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, got
}

func TestTheTokenGoesToItsServerAlone(t *testing.T) {
	authority := certs.New(t)
	other, stolen := secured(t, authority, "")
	url, got := secured(t, authority, other)
	c := connect(t, client.Config{Server: url, Token: "fq_secret", TLS: &tls.Config{RootCAs: authority.Pool}})
	_, err := c.Groups(t.Context())
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != 307 || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	if len(*got) != 1 || (*got)[0] != "Bearer fq_secret" || len(*stolen) != 0 {
		t.Errorf("sent %q, and elsewhere %q", *got, *stolen)
	}
}

// A server that is not trusted gets nothing, and is not asked again and again.
func TestAServerThatIsNotTrusted(t *testing.T) {
	url, got := secured(t, certs.New(t), "")
	for name, test := range map[string]struct {
		config client.Config
		want   error
	}{
		"another authority": {client.Config{Server: url, TLS: &tls.Config{RootCAs: certs.New(t).Pool}}, client.ErrCertificate},
		"the system's":      {client.Config{Server: url}, client.ErrCertificate},
	} {
		test.config.Token = "fq_secret"
		c := connect(t, test.config)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := c.Produce(ctx, "news", []client.ProducerRecord{{}},
			client.ProduceOptions{Retry: client.Retry{For: time.Minute}})
		if !errors.Is(err, test.want) || !errors.Is(err, client.ErrUnreachable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(*got) != 0 {
		t.Errorf("it got %q", *got)
	}
}

func TestATokenThatIsNone(t *testing.T) {
	for _, token := range []string{"a b", "a\n", "a\r\nX: y", "ä"} {
		if _, err := client.New(client.Config{Token: token}); !errors.Is(err, client.ErrToken) || strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", token, err)
		}
	}
}
