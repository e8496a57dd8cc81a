package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// DefaultServer is where a broker listens that was told nothing else.
	DefaultServer = "http://127.0.0.1:8080"

	// defaultAnswerBytes holds the largest fetch (16 MiB), were each of its bytes to need a six-byte escape.
	defaultAnswerBytes = 128 << 20

	dialTimeout = 10 * time.Second
	// answerTimeout is from the end of a request to the head of its answer: a fetch waits for 60 s at most, so that who
	// is silent for longer is gone.
	answerTimeout = 90 * time.Second
	idleTimeout   = 30 * time.Second // less than the broker's, which would close under a request
	idleConns     = 16
)

// Config says how to reach a server. The zero value is a broker with defaults on this machine.
type Config struct {
	// Server is the URL of the broker, scheme://host[:port][/prefix] with http or https ("": DefaultServer).
	Server string
	// Token is sent with every request, to this server alone; "" sends none. No error names it.
	Token string
	// TLS says whom an https server is trusted by (nil: the authorities that the system trusts).
	TLS *tls.Config
	// Dial connects (nil: TCP, and HTTP proxies as the environment says). Set, it sees every connection.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxAnswerBytes bounds one answer, decompressed (0: 128 MiB). A longer one is ErrAnswer.
	MaxAnswerBytes int64
}

// Client talks to one server. It is safe for use by many goroutines, which share its connections.
type Client struct {
	base      string // no slash at the end
	token     string
	http      *http.Client
	transport *http.Transport
	maxAnswer int64
	reached   atomic.Bool // a connection was made once
}

// New makes a client; it connects with the first call. An error is about Config.Server or Config.Token.
func New(c Config) (*Client, error) {
	if c.Server == "" {
		c.Server = DefaultServer
	}
	if err := checkServer(c.Server); err != nil {
		return nil, err
	}
	if !isToken(c.Token) {
		return nil, ErrToken
	}
	if c.MaxAnswerBytes == 0 {
		c.MaxAnswerBytes = defaultAnswerBytes
	}
	transport := &http.Transport{
		DialContext: c.Dial, ResponseHeaderTimeout: answerTimeout, TLSHandshakeTimeout: dialTimeout,
		TLSClientConfig:     c.TLS.Clone(),
		MaxIdleConnsPerHost: idleConns, IdleConnTimeout: idleTimeout,
	}
	if c.Dial == nil {
		transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
		transport.Proxy = http.ProxyFromEnvironment
	}
	made := &Client{
		base: strings.TrimRight(c.Server, "/"), token: c.Token, transport: transport, maxAnswer: c.MaxAnswerBytes,
		http: &http.Client{
			Transport: transport,
			// The API never redirects; following one would send a write elsewhere, or the token.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			made.reached.Store(true)
		}
		return conn, err
	}
	return made, nil
}

func checkServer(server string) error {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("server %q; allowed: a URL such as %s", server, DefaultServer)
	}
	return nil
}

// Close lets go of idle connections. Calls that still run keep theirs until they end.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Answer is what every answer carries beside its fields.
type Answer struct {
	// JSON is the answer as it came, with everything that this package has no field for.
	JSON []byte `json:"-"`
}

func (a *Answer) keep(_ http.Header, body []byte) { a.JSON = body }

// answer is a struct that embeds Answer.
type answer interface {
	keep(head http.Header, body []byte)
}

// request is one call, before it has a context.
type request struct {
	method string
	path   string // escaped, as path gives it
	query  url.Values
	media  string // Content-Type of body
	key    string // Idempotency-Key; "": none
	body   io.Reader
}

// call sends r and puts the JSON of a success into out, which may be nil. It gives the status of a success.
func (c *Client) call(ctx context.Context, r request, out answer) (int, error) {
	req, err := c.build(ctx, r)
	if err != nil {
		return 0, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, c.broken(ctx, err)
	}
	defer res.Body.Close() //nolint:errcheck // what matters was read before
	body, err := io.ReadAll(io.LimitReader(res.Body, c.maxAnswer+1))
	switch {
	case err != nil:
		return 0, c.broken(ctx, err)
	case int64(len(body)) > c.maxAnswer:
		return 0, fmt.Errorf("%s: %w: longer than %d bytes", c.base, ErrAnswer, c.maxAnswer)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return 0, refusal(res, body)
	case out == nil:
		return res.StatusCode, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return 0, fmt.Errorf("%s: %w: %w", c.base, ErrAnswer, err)
	}
	out.keep(res.Header, body)
	return res.StatusCode, nil
}

func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, r.body)
	if err != nil {
		return nil, fmt.Errorf("client: %s %s: %w", r.method, r.path, err)
	}
	req.Header.Set("Accept", mediaJSON)
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	return req, nil
}

// broken is the error of a call that got no whole answer.
func (c *Client) broken(ctx context.Context, err error) error {
	var source *sourceError
	var outer *url.Error
	switch {
	case errors.As(err, &source):
		return source
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", c.base, ctx.Err())
	case errors.As(err, &outer): // it would repeat the URL
		err = outer.Err
	}
	if other := otherScheme(err); other != nil {
		return fmt.Errorf("%s: %w: %w", c.base, ErrUnreachable, other)
	}
	return fmt.Errorf("%s: %w: %w", c.base, ErrUnreachable, err)
}

// path puts names between the fixed parts of a path, escaped: each %s of the format is one name.
func path(format string, names ...string) (string, error) {
	parts := make([]any, len(names))
	for i, name := range names {
		if name == "" || name == "." || name == ".." { // these would make it another route
			return "", fmt.Errorf("%w: %q", ErrName, name)
		}
		parts[i] = url.PathEscape(name)
	}
	return fmt.Sprintf(format, parts...), nil
}

const (
	mediaJSON   = "application/json"
	mediaNDJSON = "application/x-ndjson"
)

// withJSON makes v the body of r.
func (r request) withJSON(v any) (request, error) {
	text, err := marshal(v)
	r.media, r.body = mediaJSON, bytes.NewReader(text)
	return r, err
}

// marshal writes v as one line of JSON, with <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("client: encode the request: %w", err)
	}
	return text.Bytes(), nil
}
