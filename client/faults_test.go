package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"flashq/client"
	"flashq/http"
)

func TestRefusalsCarryTheApisError(t *testing.T) {
	f := start(t, http.Config{MaxBodyBytes: 2000})
	f.topic("news", 1)
	ctx := t.Context()

	_, err := f.Fetch(ctx, "nowhere", client.FetchOptions{})
	if e := refused(t, err, 404, "topic_not_found"); e.Details["topic"] != "nowhere" || e.Retryable || e.RetryAfter != 0 ||
		!strings.Contains(e.Error(), "404 topic_not_found: ") || !strings.Contains(e.Error(), "'nowhere'") {
		t.Errorf("%v %+v", e, *e)
	}
	_, err = f.ProduceBody(ctx, "news", "text/csv", strings.NewReader("a,b"), client.ProduceOptions{})
	refused(t, err, 415, "unsupported_media_type")
	_, err = f.ProduceBody(ctx, "news", "application/x-ndjson", strings.NewReader("{\"value\":1}\n{}"),
		client.ProduceOptions{})
	if e := refused(t, err, 422, "record_validation_error"); e.Details["index"] != json.Number("1") {
		t.Errorf("%+v", *e)
	}
	_, err = f.ProduceBody(ctx, "news", "application/json", bytes.NewReader(make([]byte, 3000)), client.ProduceOptions{})
	refused(t, err, 413, "body_too_large")
	_, err = f.Fetch(ctx, "news", client.FetchOptions{FromOffset: "1", FromTime: "-1h"})
	refused(t, err, 400, "invalid_parameter")
	_, err = f.Produce(ctx, "news", nil, client.ProduceOptions{})
	refused(t, err, 400, "validation_error")
	_, err = f.CreateTopic(ctx, "news", client.TopicConfig{Partitions: new(2)})
	refused(t, err, 409, "partitions_immutable")
	_, err = f.Topic(ctx, "a/../../health")
	refused(t, err, 400, "validation_error")
}

// One more than may wait is told to come back later.
func TestOverloadSaysWhenToComeBack(t *testing.T) {
	f := start(t, http.Config{MaxWaiters: 1})
	f.topic("news", 1)
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan error, 2)
	for range cap(answers) {
		go func() {
			_, err := f.Fetch(ctx, "news", client.FetchOptions{Wait: time.Minute})
			answers <- err
		}()
	}
	e := refused(t, <-answers, 429, "overloaded")
	if !e.Retryable || e.RetryAfter != time.Second {
		t.Errorf("%+v", *e)
	}
	cancel()
	if err := <-answers; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that waited: %v", err)
	}
}

func TestNobodyThereIsUnreachable(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	c := connect(t, client.Config{Server: "http://" + ln.Addr().String()})
	_, err = c.Health(t.Context())
	unreachable(t, err)
	if !strings.Contains(err.Error(), ln.Addr().String()) || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

func unreachable(t *testing.T, err error) {
	t.Helper()
	var e *client.Error
	if !errors.Is(err, client.ErrUnreachable) || errors.As(err, &e) {
		t.Errorf("not unreachable: %v", err)
	}
}

// stranger is a server of another kind: it reads a request's head and answers each with the same bytes.
func stranger(t *testing.T, answer string) client.Config {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				head := make([]byte, 0, 4096)
				for !bytes.Contains(head, []byte("\r\n\r\n")) {
					n, err := conn.Read(head[len(head):cap(head)])
					if err != nil {
						return
					}
					head = head[:len(head)+n]
				}
				_, _ = io.WriteString(conn, answer)
			})
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return client.Config{Server: "http://" + ln.Addr().String()}
}

func TestAnAnswerCutShortIsUnreachable(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"topics\":[",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{\"error\":",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"top",
		"HTTP/1.1 20",
		"",
	} {
		_, err := connect(t, stranger(t, answer)).Topics(t.Context(), false)
		unreachable(t, err)
	}
}

func TestAStrangersAnswerIsTold(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"topics\":\"no\"}",
	} {
		_, err := connect(t, stranger(t, answer)).Topics(t.Context(), false)
		if !errors.Is(err, client.ErrAnswer) || errors.Is(err, client.ErrUnreachable) {
			t.Errorf("%q: %v", answer, err)
		}
	}
	for answer, want := range map[string]string{
		"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 16\r\n\r\n<html>\noh</html>": `502: Bad Gateway "<html>"`,
		"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}":      `503: Service Unavailable "{}"`,
		"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n":         `302: Found`,
	} {
		_, err := connect(t, stranger(t, answer)).Topics(t.Context(), false)
		var e *client.Error
		if !errors.As(err, &e) || e.Error() != want || (e.RetryAfter == 7*time.Second) != (e.Status == 503) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	f := start(t, http.Config{})
	f.put("news", client.ProducerRecord{Value: make([]byte, 10_000)})
	tight := connect(t, client.Config{Server: f.url, MaxAnswerBytes: 5000})
	_, err := tight.Fetch(t.Context(), "news", client.FetchOptions{})
	if !errors.Is(err, client.ErrAnswer) || !strings.Contains(err.Error(), "longer than 5000 bytes") {
		t.Error(err)
	}
	if _, err := tight.Health(t.Context()); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// A context that ends while a fetch waits ends the call with its error.
func TestACancelledContextEndsACall(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("news", 1)
	ctx, cancel := context.WithCancel(t.Context())
	c := connect(t, client.Config{Server: f.url, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return cancelAfterWrite{conn, cancel}, err
	}})
	_, err := c.Fetch(ctx, "news", client.FetchOptions{Wait: time.Minute})
	if !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnreachable) {
		t.Error(err)
	}
	_, err = c.Health(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("before it begins: %v", err)
	}
}

// cancelAfterWrite calls cancel when the request has gone out.
type cancelAfterWrite struct {
	net.Conn
	cancel context.CancelFunc
}

func (c cancelAfterWrite) Write(p []byte) (int, error) {
	defer c.cancel()
	return c.Conn.Write(p)
}

// A body that can't be read is its reader's fault, not the server's absence.
func TestABodyThatFailsSaysSo(t *testing.T) {
	f := start(t, http.Config{})
	broken := errors.New("the disk is on fire")
	body := io.MultiReader(strings.NewReader("{\"value\":1}\n"), iotest.ErrReader(broken))
	_, err := f.ProduceBody(t.Context(), "news", "application/x-ndjson", body, client.ProduceOptions{})
	if !errors.Is(err, broken) || errors.Is(err, client.ErrUnreachable) {
		t.Error(err)
	}
	_, err = f.Topic(t.Context(), "news")
	refused(t, err, 404, "topic_not_found") // half a body stores nothing
}

func TestNamesThatWouldBeAnotherRouteAreNotSent(t *testing.T) {
	f := mute(t)
	for _, name := range []string{"", ".", ".."} {
		_, produced := f.Produce(t.Context(), name, nil, client.ProduceOptions{})
		_, fetched := f.Fetch(t.Context(), name, client.FetchOptions{})
		_, made := f.CreateTopic(t.Context(), name, client.TopicConfig{})
		_, group := f.CreateGroup(t.Context(), name, "")
		for _, err := range []error{produced, fetched, made, group, f.DeleteTopic(t.Context(), name)} {
			if !errors.Is(err, client.ErrName) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

// Whatever is answered, the connection is used again.
func TestConnectionsAreUsedAgain(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("news", 1)
	for range 20 {
		f.put("news", client.ProducerRecord{Value: make([]byte, 5000)})
		f.get("news", client.FetchOptions{})
		_, err := f.Topic(t.Context(), "nowhere")
		refused(t, err, 404, "topic_not_found")
		if err := f.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.accepted.Load(); got != 1 {
		t.Errorf("%d connections", got)
	}
}

func TestServersAreURLs(t *testing.T) {
	for _, server := range []string{
		"localhost:8080", "ftp://x", "http://", "http://:80", "http://a b", "http://u:p@x", "http://x?y", "http://x#y", "x",
	} {
		if _, err := client.New(client.Config{Server: server}); err == nil || !strings.Contains(err.Error(), "allowed: ") {
			t.Errorf("%q: %v", server, err)
		}
	}
	for _, server := range []string{"", "http://x", "https://x:1/", "http://[::1]:8080", "http://x/flashq/"} {
		if _, err := client.New(client.Config{Server: server}); err != nil {
			t.Errorf("%q: %v", server, err)
		}
	}
}
