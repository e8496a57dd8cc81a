package operations

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const named = "--allowed-host=" + host

// each runs a test beside itself for every proxy.
func each(t *testing.T, test func(*testing.T, kind)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

// What is sent arrives, and what the broker says of it comes back: large heads, the names of record headers, keys for
// requests that are repeated.
func TestRequestsPass(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		f := k.before(t, named, "--max-key-bytes=64KiB")
		headers := []string{"Content-Type", "application/octet-stream", "Idempotency-Key", "k-1",
			"FlashQ-Header-trace_id", "a b", "FlashQ-Header-trace.id", "c"}
		for i := range 98 { // a record may have 100
			headers = append(headers, "FlashQ-Header-h"+strconv.Itoa(i), "v")
		}
		first := f.call("POST", "/topics/news/records?key=anna", "\x00\xff", headers...).wants(t, 200, "")
		again := f.call("POST", "/topics/news/records?key=anna", "\x00\xff", headers...).wants(t, 200, "")
		if again.body != first.body || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("a request that is sent again: %v, %s after %s", again.Header, again.body, first.body)
		}
		got := f.call("GET", "/topics/news/records?from_offset=0", "", "Accept", "application/octet-stream").wants(t, 200, "")
		if got.body != "\x00\xff" || got.Header.Get("FlashQ-Key") != "anna" || got.Header.Get("FlashQ-Position") != "0:1" {
			t.Errorf("%q, %v", got.body, got.Header)
		}
		records := f.broker.Fetch(t, "news", "from_offset=0").Records
		if len(records) != 1 || len(records[0].Headers) != 100 {
			t.Fatalf("%d records: %v", len(records), records)
		}
		for i, want := range []string{"trace.id", "trace_id"} {
			if got := records[0].Headers.Keys(); !strings.Contains(strings.Join(got, " "), want) {
				t.Errorf("header %d: %q is not among %q", i, want, got)
			}
		}

		key := strings.Repeat("k", 60_000)
		f.broker.Produce(t, "keys", "application/json", []byte(`{"records":[{"key":"`+key+`","value":"v"}]}`))
		got = f.call("GET", "/topics/keys/records", "", "Accept", "application/octet-stream").wants(t, 200, "")
		if got.Header.Get("FlashQ-Key") != key {
			t.Errorf("a key of %d bytes comes with %d", len(key), len(got.Header.Get("FlashQ-Key")))
		}
		f.call("GET", "/topics", "", "X-Long", strings.Repeat("x", 15_000)).wants(t, 200, "")
		f.call("GET", "/topics", "", "X-Long", strings.Repeat("x", 20_000)).wants(t, 431, "headers_too_large")
	})
}

// Bodies as large as the broker takes go through, and of others the broker says so.
func TestLargeBodiesPass(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		f := k.before(t, named)
		line := `{"value":"` + strings.Repeat("x", 1<<20-13) + `"}` + "\n" // 1 MiB
		whole := strings.Repeat(line, 16)
		asLines := []string{"Content-Type", "application/x-ndjson"}
		f.call("POST", "/topics/news/records", whole, asLines...).wants(t, 200, "")
		got := f.call("GET", "/topics/news/records?max_bytes=16777216", "", "Accept", "application/x-ndjson").wants(t, 200, "")
		if n := strings.Count(got.body, "\n"); n != 16 {
			t.Errorf("%d records come back", n)
		}
		f.call("POST", "/topics/news/records", whole+line, asLines...).wants(t, 413, "body_too_large")
		chunked := f.ask(t.Context(), "POST", "/topics/news/records", io.MultiReader(strings.NewReader(whole+line)), asLines...)
		a, err := f.try(chunked)
		if err != nil {
			t.Fatal(err)
		}
		a.wants(t, 413, "body_too_large")
	})
}

// A long poll waits for its record or its time, and its client's leaving frees its place in the broker, which is busy
// with it until then.
func TestLongPollsPass(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		f := k.before(t, named, "--max-waiters=1")
		f.broker.CreateTopic(t, "news", 1)
		const wait = 3 * time.Second
		begun := time.Now()
		a := f.call("GET", "/topics/news/records?timeout_ms="+strconv.Itoa(int(wait.Milliseconds())), "").wants(t, 200, "")
		if took := time.Since(begun); took < wait || !strings.Contains(a.body, `"records":[]`) {
			t.Errorf("after %v: %s", took, a.body)
		}

		answers := f.poll(t.Context())
		f.busy(true)
		f.produce("hello")
		if a := <-answers; !strings.Contains(a.body, `"value":"hello"`) {
			t.Errorf("a poll whose record came: %s", a.body)
		}

		leaves, leave := context.WithCancel(t.Context())
		f.poll(leaves)
		f.busy(true)
		leave()
		f.busy(false)
	})
}

// poll waits for a record, for a minute. What comes is in the channel.
func (f *front) poll(ctx context.Context) <-chan answer {
	answers := make(chan answer, 1)
	req := f.ask(ctx, "GET", "/topics/news/records?from_offset=latest&timeout_ms=60000", nil)
	go func() {
		a, err := f.try(req)
		for err == nil && a.StatusCode == http.StatusTooManyRequests { // the other one of busy was first
			a, err = f.try(req)
		}
		answers <- a
	}()
	return answers
}

// busy waits until a second poll is refused, or is not any more.
func (f *front) busy(want bool) {
	f.t.Helper()
	for late := time.Now().Add(patience); ; {
		a := f.call("GET", "/topics/news/records?from_offset=latest&timeout_ms=10", "")
		if (a.StatusCode == http.StatusTooManyRequests) == want {
			if want {
				a.wants(f.t, 429, "overloaded")
				if a.Header.Get("Retry-After") == "" {
					f.t.Error("a 429 without Retry-After")
				}
			}
			return
		}
		if time.Now().After(late) {
			f.t.Fatalf("a poll beside another: %s %s", a.Status, a.body)
		}
	}
}

// Events and lines come as they are stored, each before the next one is.
func TestStreamsPass(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		f := k.before(t, named)
		f.broker.CreateTopic(t, "news", 1)
		events := f.lines("/topics/news/records", "text/event-stream")
		until(t, events, "id: 0:0\n")
		lines := f.lines("/topics/news/records?follow=true", "application/x-ndjson")
		for i := range 5 {
			f.produce("value " + strconv.Itoa(i))
			until(t, events, fmt.Sprintf("id: 0:%d\n", i+1))
			until(t, events, fmt.Sprintf(`"value":"value %d"`, i))
			until(t, lines, fmt.Sprintf(`"value":"value %d"`, i))
		}
	})
}

// until reads to a line that has the text.
func until(t *testing.T, lines *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%q does not come: %v", text, err)
		}
		if strings.Contains(line, text) {
			return
		}
	}
}

// The broker's guards judge what the client said, not what the proxy is.
func TestGuardsHold(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		text := []string{"Content-Type", "text/plain"}
		f := k.before(t)
		f.call("GET", "/topics", "").wants(t, 403, "forbidden") // nobody named the host

		f = k.before(t, named)
		f.call("POST", "/topics/news/records", "a", text...).wants(t, 200, "")
		f.call("POST", "/topics/news/records", "a", append(text, "Origin", "http://"+host)...).wants(t, 200, "")
		f.call("POST", "/topics/news/records", "a", append(text, "Origin", "http://elsewhere.example")...).
			wants(t, 403, "origin_not_allowed")

		// The page of a proxy that speaks TLS, before a broker that does not.
		page := []string{"Content-Type", "text/plain", "Origin", "https://" + host, "Sec-Fetch-Site", "same-origin"}
		f.call("POST", "/topics/news/records", "a", page...).wants(t, 200, "")

		f = k.before(t, named, "--cors-origin=http://elsewhere.example")
		f.call("POST", "/topics/news/records", "a", append(text, "Origin", "http://elsewhere.example")...).wants(t, 200, "")
	})
}

// All clients of a proxy share what the broker gives to one address, unless it is named as a proxy.
func TestATrustedProxyHasNoShare(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		address := ownAddress(t)
		args := []string{"--listen=" + net.JoinHostPort(address, "0"), "--insecure", "--max-inflight-bytes=1MiB"}
		f := k.before(t, args...)
		for late := time.Now().Add(patience); !f.isHeld(t); {
			if time.Now().After(late) {
				t.Fatal("no share holds the clients of a proxy that nobody named")
			}
		}

		f = k.before(t, append(args, "--trusted-proxy="+address)...)
		finish := f.stalls(12)
		f.produce(as(60_000))
		for status, n := range finish() {
			if status != http.StatusOK {
				t.Errorf("%d of a trusted proxy's requests are answered with %d", n, status)
			}
		}
	})
}

// isHeld tells whether a body is refused while others stall, which they may do for a second after one was. It is larger
// than they are, so that it keeps none of them out.
func (f *front) isHeld(t *testing.T) bool {
	t.Helper()
	defer f.stalls(12)() // of these, some are refused
	for late := time.Now().Add(time.Second); time.Now().Before(late); {
		a := f.call("POST", "/topics/news/records", as(120_000), "Content-Type", "text/plain")
		if a.StatusCode == http.StatusTooManyRequests {
			a.wants(t, 429, "overloaded")
			return true
		}
	}
	return false
}

// stalls sends bodies that stop before their end, for 64 KiB of the broker's memory each. finish sends the rest and counts
// the answers by status.
func (f *front) stalls(bodies int) (finish func() map[int]int) {
	f.t.Helper()
	statuses, rests := make(chan int, bodies), make([]*io.PipeWriter, bodies)
	half := []byte(as(30_000))
	for i := range rests {
		body, rest := io.Pipe()
		rests[i] = rest
		req := f.ask(f.t.Context(), "POST", "/topics/news/records", body, "Content-Type", "text/plain")
		req.ContentLength = int64(2 * len(half))
		go func() {
			if a, err := f.try(req); err == nil {
				statuses <- a.StatusCode
			} else {
				statuses <- 0
			}
		}()
		_, _ = rest.Write(half) // fails where it is refused meanwhile
	}
	return func() map[int]int {
		counts := map[int]int{}
		for _, rest := range rests {
			_, _ = rest.Write(half) // likewise
			rest.Close()
		}
		for range rests {
			counts[<-statuses]++
		}
		return counts
	}
}

func as(n int) string { return strings.Repeat("a", n) }

// ownAddress is one of this machine's that is not loopback: what comes from there has a share.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	t.Fatalf("of %v none is an address of this machine in a network", all)
	return ""
}

// What the configurations say of time outlives a fetch that waits for a minute, Envoy's too, which is not run here.
func TestTimeoutsAreLonger(t *testing.T) {
	const longest = 60
	for file, settings := range map[string][]string{
		"nginx.conf":  {`proxy_read_timeout (\d+)s;`, `proxy_send_timeout (\d+)s;`},
		"haproxy.cfg": {`timeout client (\d+)s`, `timeout server (\d+)s`},
		"envoy.yaml":  {`stream_idle_timeout: (\d+)s`},
	} {
		for _, setting := range settings {
			m := regexp.MustCompile(setting).FindStringSubmatch(operations(t, file))
			if m == nil {
				t.Errorf("%s does not say %s", file, setting)
			} else if seconds, _ := strconv.Atoi(m[1]); seconds <= longest {
				t.Errorf("%s: %s", file, m[0])
			}
		}
	}
	if !regexp.MustCompile(`\btimeout: 0s`).MatchString(operations(t, "envoy.yaml")) {
		t.Error("envoy.yaml: a route's timeout of 15 s cuts long polls off")
	}
}
