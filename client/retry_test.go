package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flashq/client"
	"flashq/http"
)

// losing dials connections of which the first few lose the answer that has come.
func losing(answers int32) client.Config {
	var left atomic.Int32
	left.Store(answers)
	return client.Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil && left.Add(-1) >= 0 {
			conn = deafConn{conn}
		}
		return conn, err
	}}
}

type deafConn struct{ net.Conn }

func (c deafConn) Read(p []byte) (int, error) {
	if _, err := c.Conn.Read(p); err != nil {
		return 0, err
	}
	return 0, net.ErrClosed
}

func TestAProduceWhoseAnswerIsLostIsStoredOnce(t *testing.T) {
	f := start(t, http.Config{DefaultPartitions: 4})
	const lost = 2
	config := losing(lost)
	config.Server = f.url
	c := connect(t, config)
	told := 0
	done, err := c.Produce(t.Context(), "news", []client.ProducerRecord{{Value: []byte("a")}, {Value: []byte("b")}},
		client.ProduceOptions{Retry: client.Retry{For: 20 * time.Second, Tell: func(err error, _ time.Duration) {
			told++
			unreachable(t, err)
		}}})
	if err != nil || !done.Replayed || done.Count != 2 || told != lost {
		t.Fatalf("%+v, %v; told %d times", done, err, told)
	}
	page := f.get("news", client.FetchOptions{})
	if len(page.Records) != 2 || string(page.Records[0].Value) != "a" || page.Records[0].Partition != done.Partitions[0].Partition {
		t.Errorf("stored: %+v", page.Records)
	}
	done, err = c.Produce(t.Context(), "news", []client.ProducerRecord{{Value: []byte("c")}},
		client.ProduceOptions{Retry: client.Retry{For: time.Second}})
	if err != nil || done.Replayed {
		t.Errorf("a request of its own: %+v, %v", done, err)
	}
}

// Without a Retry there is one try, and no key unless the caller has one.
func TestACallersOwnKey(t *testing.T) {
	f := start(t, http.Config{})
	one := []client.ProducerRecord{{Value: []byte("a")}}
	for i := range 2 {
		done, err := f.Produce(t.Context(), "news", one, client.ProduceOptions{IdempotencyKey: "mine"})
		if err != nil || done.Replayed != (i > 0) || done.Offset != 0 {
			t.Errorf("%d: %+v, %v", i, done, err)
		}
	}
	_, err := f.Produce(t.Context(), "news", []client.ProducerRecord{{Value: []byte("b")}}, client.ProduceOptions{IdempotencyKey: "mine"})
	refused(t, err, 422, "idempotency_key_reused")
	config := losing(1)
	config.Server = f.url
	_, err = connect(t, config).Produce(t.Context(), "news", one, client.ProduceOptions{})
	unreachable(t, err)
	for range 2 {
		f.put("news", one...)
	}
	if page := f.get("news", client.FetchOptions{}); len(page.Records) != 1+1+2 {
		t.Errorf("%d records", len(page.Records))
	}
}

// answering is a server that gives one answer after the other, and notes what each request was.
func answering(t *testing.T, answers ...string) (c *client.Client, requests *[]string) {
	requests = new([]string)
	server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ := io.ReadAll(r.Body)
		*requests = append(*requests, r.Header.Get("Idempotency-Key")+" "+string(body))
		status, text, _ := strings.Cut(answers[min(len(*requests), len(answers))-1], " ")
		var code int
		if _, err := fmt.Sscan(status, &code); err != nil {
			t.Error(err)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return connect(t, client.Config{Server: server.URL}), requests
}

const stored = `200 {"offset":7,"timestamp":"2026-01-15T10:00:00.000Z","count":1,"partitions":[{"partition":0,"base_offset":7,"last_offset":7}]}`

// Whatever may go away is tried again, each time with the same key and the same body, which any reader may be.
func TestEachTryIsTheSameRequest(t *testing.T) {
	c, requests := answering(t,
		`409 {"error":"idempotency_in_flight","message":"m","retryable":true}`,
		`429 {"error":"overloaded","message":"m","retryable":true}`,
		`503 {"error":"partially_stored","message":"m","retryable":true}`,
		`502 <html>`, stored)
	body := io.MultiReader(strings.NewReader("hel"), strings.NewReader("lo"))
	done, err := c.ProduceBody(t.Context(), "news", "text/plain", body,
		client.ProduceOptions{Retry: client.Retry{For: 20 * time.Second}})
	if err != nil || done.Offset != 7 {
		t.Fatal(done, err)
	}
	first := (*requests)[0]
	key, sent, _ := strings.Cut(first, " ")
	if len(*requests) != 5 || len(slices.Compact(*requests)) != 1 || sent != "hello" || len(key) < 16 {
		t.Errorf("%q", *requests)
	}
}

func TestWhatNoTryCanHelpIsNotTriedAgain(t *testing.T) {
	retry := client.Retry{For: client.MostRetry, Tell: func(err error, _ time.Duration) { t.Errorf("again after %v", err) }}
	for _, answer := range []string{
		`422 {"error":"idempotency_key_reused","message":"m"}`, `409 {"error":"conflict","message":"m"}`,
		`500 {"error":"internal_error","message":"m"}`, `200 <html>`,
	} {
		c, requests := answering(t, answer)
		if _, err := c.Produce(t.Context(), "news", nil, client.ProduceOptions{Retry: retry}); err == nil || len(*requests) != 1 {
			t.Errorf("%s: %v, %d requests", answer, err, len(*requests))
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	nobody := connect(t, client.Config{Server: "http://" + ln.Addr().String()})
	_, err = nobody.Produce(t.Context(), "news", nil, client.ProduceOptions{Retry: retry})
	unreachable(t, err)
	_, err = mute(t).Produce(t.Context(), "news", nil, client.ProduceOptions{Retry: client.Retry{For: client.MostRetry + 1}})
	if err == nil || !strings.Contains(err.Error(), "allowed: 0 to 5m0s") {
		t.Error(err)
	}
}

// Retries end with their time, at the latest, or with their context.
func TestRetriesEnd(t *testing.T) {
	const busy = `503 {"error":"disk_full","message":"m","retryable":true,"details":{"retry_after_ms":`
	c, requests := answering(t, busy+`1}}`)
	_, err := c.Produce(t.Context(), "news", nil, client.ProduceOptions{Retry: client.Retry{For: 200 * time.Millisecond}})
	if e := new(client.Error); !errors.As(err, &e) || e.Code != "disk_full" || !strings.Contains(err.Error(), " of 200ms; the next time is ") {
		t.Error(err)
	}
	if n := len(*requests); n < 2 || n > 4 {
		t.Errorf("%d tries", n)
	}
	c, requests = answering(t, busy+`60000}}`)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.Produce(ctx, "news", nil, client.ProduceOptions{Retry: client.Retry{For: client.MostRetry, Tell: func(_ error, wait time.Duration) {
		if wait != time.Minute {
			t.Errorf("waits for %s", wait)
		}
		cancel()
	}}})
	if !errors.Is(err, context.Canceled) || len(*requests) != 1 {
		t.Errorf("%v after %d tries", err, len(*requests))
	}
}
