package http

import (
	"bufio"
	"fmt"
	"io"
	nethttp "net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A line of the access log is found by the id that the client saw, its own or the broker's.
func TestAccessLineHasTheIDOfItsAnswer(t *testing.T) {
	var log written
	f := start(t, Config{AccessLog: jsonLog(&log)})
	for _, own := range []string{"", "my own"} {
		id := f.do("GET", "/health", "", "X-Request-Id", own).header.Get("FlashQ-Request-Id")
		lines := log.lines(t, "request") // each is written before its answer
		if got := lines[len(lines)-1]["id"]; id == "" || own != "" && id != own || got != id {
			t.Errorf("%q is %v in the log", id, got)
		}
	}
}

// A stream has its line when it ends, with all that was sent.
func TestAccessLineOfAStream(t *testing.T) {
	var log written
	f := start(t, Config{AccessLog: jsonLog(&log)})
	f.do("POST", "/topics/news/records", "hello", "Content-Type", "text/plain").want(t, 200)
	req, err := nethttp.NewRequest("GET", "http://localhost/topics/news/records?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/x-ndjson")
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 20)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "GET"); n != 0 {
		t.Errorf("%d lines while it is open: %s", n, log.String())
	}
	f.do("DELETE", "/topics/news", "").want(t, 204)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its line", func() bool { return strings.Contains(log.String(), "GET") })
	all := log.lines(t, "request")
	last := all[slices.IndexFunc(all, func(line map[string]any) bool { return line["method"] == "GET" })]
	if last["route"] != "/topics/{topic}/records" || last["status"].(float64) != 200 || last["bytes_out"].(float64) < 100 ||
		last["id"] != resp.Header.Get("FlashQ-Request-Id") || len(all) != 3 {
		t.Errorf("%v", all)
	}
}

// A request that is refused by its head is one of its own route, method and caller, and took until it was answered.
func TestAccessLineOfARefusalByTheHead(t *testing.T) {
	k := newKeys(t, "writer: write * *")
	who := "\r\nHost: flashq\r\nX-Request-Id: mine\r\nContent-Type: application/json\r\nAuthorization: " + k.header("writer")
	for name, row := range map[string]struct {
		head string
		took float64
		want string
	}{
		"no body comes":   {"Content-Length: 99999999", 800, "mine /topics/{topic}/records POST 413 writer"},
		"it asks first":   {"Content-Length: 99999999\r\nExpect: 100-continue", 0, "mine /topics/{topic}/records POST 413 writer"},
		"it asks, is few": {"Content-Length: 9\r\nAccept: text/html\r\nExpect: 100-continue", 0, "mine /topics/{topic}/records POST 406 writer"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var log written
				f := start(t, Config{AccessLog: jsonLog(&log), Tokens: k.tokens})
				a := f.raw("POST /topics/t/records HTTP/1.1" + who + "\r\n" + row.head + "\r\n\r\n")
				line := log.lines(t, "request")[0]
				got := fmt.Sprint(line["id"], " ", line["route"], " ", line["method"], " ", line["status"], " ", line["principal"])
				if took := line["duration_ms"].(float64); got != row.want || took < row.took || took > row.took+100 {
					t.Errorf("%s after %v ms, want %s after %v", got, took, row.want, row.took)
				}
				labels := []string{"route", "/topics/{topic}/records", "method", "POST", "status", strconv.Itoa(a.status)}
				if n := f.scrape().value("flashq_http_requests_total", labels...); n != 1 {
					t.Errorf("the metric counts %v", n)
				}
			})
		})
	}
}

// Where the time went is told of every request whose body was slow, be it refused or cut off.
func TestSlowBodiesAreToldOf(t *testing.T) {
	for _, row := range []struct {
		path, first, rest string
		status            int
	}{
		{"PUT /topics/other", `{`, `}`, 201},
		{"POST /groups/g/offsets", `{"offsets":[{"topic":"news",`, `"offset":0}]}`, 200},
		{"POST /topics/news/records", `{"records":`, `3}`, 422},
		{"POST /topics/news/records?partition=9", `{"records":`, `[{"value":"a"}]}`, 404},
		{"POST /topics/news/records", `{"records":`, ``, 408},
		{"PUT /topics/other", `{`, ``, 408},
	} {
		t.Run(row.path+" "+strconv.Itoa(row.status), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var log written
				f := start(t, Config{Logger: jsonLog(&log), SlowRequest: 200 * time.Millisecond})
				f.createTopic("news", "")
				c, err := f.ln.Dial()
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				length := len(row.first) + max(len(row.rest), 1)
				fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: flashq\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
					row.path, length, row.first)
				time.Sleep(300 * time.Millisecond)
				fmt.Fprint(c, row.rest)
				a := readAnswer(f, bufio.NewReader(c))
				lines := log.lines(t, "slow request")
				if a.status != row.status || len(lines) != 1 {
					t.Fatalf("%d %s: %v", a.status, a.body, lines)
				}
				if body, ok := lines[0]["body_ms"].(float64); !ok || body < 300 {
					t.Errorf("%v", lines[0])
				}
			})
		})
	}
}
