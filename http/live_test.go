package http

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// live is an open stream, as its client sees it.
type live struct {
	testing.TB
	net.Conn
	*nethttp.Response
	body *bufio.Reader
}

const sse, lines = "text/event-stream", "application/x-ndjson"

// stream opens one over the in-memory listener; headers are name, value pairs.
func (f *fixture) stream(accept, path string, headers ...string) *live {
	f.Helper()
	c, err := f.ln.Dial()
	if err != nil {
		f.Fatal(err)
	}
	return openStream(f.T, c, accept, path, headers...)
}

func openStream(t testing.TB, c net.Conn, accept, path string, headers ...string) *live {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	ask := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAccept: " + accept + "\r\n"
	for i := 0; i < len(headers); i += 2 {
		ask += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	if _, err := io.WriteString(c, ask+"\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &live{t, c, res, bufio.NewReader(res.Body)}
	if res.StatusCode != 200 {
		text, _ := io.ReadAll(l.body)
		t.Fatalf("%s: %d %s", path, res.StatusCode, text)
	}
	return l
}

// line is the next line.
func (l *live) line() string {
	l.Helper()
	line, err := l.body.ReadString('\n')
	if err != nil {
		l.Fatalf("after %q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// event is the next event, its lines joined by a bar.
func (l *live) event() string {
	l.Helper()
	var all []string
	for line := l.line(); line != ""; line = l.line() {
		all = append(all, line)
	}
	return strings.Join(all, "|")
}

// wantEvent checks the next event; a record is written as the value alone.
func (l *live) wantEvent(want string) {
	l.Helper()
	if got := plainly(l.event()); got != want {
		l.Fatalf("%q, want %q", got, want)
	}
}

// plainly puts a record's value in the place of its JSON.
func plainly(event string) string {
	before, text, ok := strings.Cut(event, "data: ")
	var record struct{ Value *string }
	if !ok || json.Unmarshal([]byte(text), &record) != nil || record.Value == nil {
		return event
	}
	return before + *record.Value
}

// wantError checks that the stream ends with an error of the code, and gives its details.
func (l *live) wantError(code string) map[string]any {
	l.Helper()
	event := l.event()
	text, ok := strings.CutPrefix(event, "event: error|data: ")
	var e struct {
		Error, Message string
		Details        map[string]any
		Retryable      *bool
	}
	if !ok || json.Unmarshal([]byte(text), &e) != nil || e.Error != code || e.Message == "" || e.Retryable == nil {
		l.Fatalf("%q, want error %s", event, code)
	}
	l.wantEnd()
	return e.Details
}

// wantEnd checks that nothing more comes, and that the answer is whole.
func (l *live) wantEnd() {
	l.Helper()
	if rest, err := io.ReadAll(l.body); err != nil || len(rest) > 0 {
		l.Fatalf("it ends with %q %v", rest, err)
	}
}

func TestAStreamOfEvents(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", `{"partitions":2}`)
		f.produce("/topics/news/records?partition=0", `{"value":"before"}`)
		l := f.stream(sse, "/topics/news/records")
		h := l.Response.Header
		if h.Get("Content-Type") != sse || h.Get("Cache-Control") != "no-store" || h.Get("X-Accel-Buffering") != "no" ||
			h.Get("FlashQ-Request-Id") == "" || h.Get("Vary") != "Accept, Accept-Encoding" || l.TransferEncoding[0] != "chunked" ||
			h.Get("Content-Encoding") != "" {
			t.Errorf("%v %v", h, l.TransferEncoding)
		}
		l.wantEvent("retry: 2000|id: 0:1,1:0")
		f.produce("/topics/news/records?partition=1", `{"value":"a\nb"}`, `{"value":"c"}`)
		l.wantEvent("a\nb")
		l.wantEvent("id: 0:1,1:2|c")
		f.produce("/topics/news/records?partition=0", `{"key":"k","value":"d"}`)
		if got := l.event(); !strings.HasPrefix(got, `id: 0:2,1:2|data: {"partition":0,"offset":1,"timestamp":"`) ||
			!strings.HasSuffix(got, `,"key":"k","value":"d","headers":null}`) {
			t.Error(got)
		}
		begun := time.Now()
		for range 3 {
			l.wantEvent(": ping")
		}
		if took := time.Since(begun); took != 45*time.Second {
			t.Errorf("three heartbeats took %v", took)
		}
	})
}

func TestAStreamOfLines(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.produce("/topics/news/records", `{"value":"a"}`, `{"value":"b"}`)
		l := f.stream(lines, "/topics/news/records?follow=true&timeout_ms=1000&min_bytes=100000&encoding=base64&include_headers=false&max_records=1")
		if h := l.Response.Header; h.Get("Content-Type") != lines || h.Get("FlashQ-Position") != "0:0" || h.Get("FlashQ-Gap") != "" {
			t.Error(h)
		}
		for i, value := range []string{"YQ==", "Yg==", "Yw=="} {
			if got := l.line(); !strings.HasPrefix(got, fmt.Sprintf(`{"partition":0,"offset":%d,`, i)) ||
				!strings.HasSuffix(got, `"key":null,"value_base64":"`+value+`","headers":null}`) {
				t.Error(got)
			}
			if i == 1 {
				f.produce("/topics/news/records", `{"value":"c"}`)
			}
		}
		begun := time.Now()
		if beat := l.line(); beat != "" || time.Since(begun) != 15*time.Second {
			t.Errorf("%q after %v", beat, time.Since(begun))
		}
		f.do("DELETE", "/topics/news", "").want(t, 204)
		if got := l.line(); !strings.HasPrefix(got, `{"error":"topic_not_found",`) {
			t.Error(got)
		}
		l.wantEnd()
	})
}

// Who speaks HTTP/1.0 knows no chunks.
func TestAStreamOverHTTP10(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a"}`)
	a := f.raw("GET /topics/news/records?from_offset=0&to_time=2020-01-01 HTTP/1.0\r\nHost: localhost\r\nAccept: " + sse + "\r\n\r\n")
	if want := "retry: 2000\nid: 0:0\n\nevent: end\ndata: {\"position\":\"0:0\"}\n\n"; a.body != want || !a.closes {
		t.Errorf("%q", a.body)
	}
}

func TestWhereAStreamBegins(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	f.numbered("news", 0, 0, 5)
	f.numbered("news", 1, 0, 5)
	for _, row := range []struct{ query, header, want string }{
		{"", "", "0:5,1:5"}, {"from_offset=2", "", "0:2,1:2"}, {"position=0:1", "", "0:1,1:0"},
		{"last_event_id=0:3,1:4", "", "0:3,1:4"}, {"from_offset=2&last_event_id=0:3,1:4", "", "0:3,1:4"},
		{"from_offset=latest", "0:1,1:2", "0:1,1:2"}, {"last_event_id=0:3,1:4", "0:1,1:2", "0:1,1:2"},
		{"last_event_id=", "", "0:5,1:5"}, {"partition=1&from_offset=0", "g3;1:4", "1:4"}, {"partition=1,0", "", "0:5,1:5"},
		{"group=g", "", "0:0,1:0"}, {"group=g", "0:3,1:3", "0:0,1:0"}, {"group=g&from_offset=latest", "0:3,1:3", "0:3,1:3"},
	} {
		l := f.stream(sse, "/topics/news/records?"+row.query, "Last-Event-ID", row.header)
		l.wantEvent("retry: 2000|id: " + row.want)
		l.Conn.Close()
	}
}

func TestWhatAStreamRefuses(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", "")
	for _, row := range []struct {
		accept, query, id string
		status            int
		code, about       string
	}{
		{sse, "timeout_ms=60001", "", 400, "invalid_parameter", "timeout_ms"},
		{lines, "follow=true&min_bytes=0", "", 400, "invalid_parameter", "min_bytes"},
		{lines, "follow=true&group=g&ack=0:0", "", 400, "invalid_parameter", "ack"},
		{"*/*", "follow=true", "", 400, "invalid_parameter", "follow"},
		{"*/*", "last_event_id=0:1", "", 400, "invalid_parameter", "last_event_id"},
		{lines, "last_event_id=0:1", "", 400, "invalid_parameter", "last_event_id"},
		{sse, "last_event_id=x", "", 400, "invalid_parameter", "last_event_id"},
		{sse, "", "0:1,7:1", 404, "partition_not_found", ""},
		{sse, "follow=maybe", "", 400, "invalid_parameter", "follow"},
	} {
		a := f.get("/topics/news/records?"+row.query, "Accept", row.accept, "Last-Event-ID", row.id)
		if details := a.wantError(t, row.status, row.code); row.about != "" && details["parameter"] != row.about {
			t.Errorf("%+v: %v", row, details)
		}
	}
	f.get("/topics/news/records", "Accept", sse, "Last-Event-ID", "0:x").
		says(t, 400, "invalid_parameter", "The header 'Last-Event-ID' must be")
	f.get("/topics/none/records", "Accept", sse).wantError(t, 404, "topic_not_found")
	f.get("/topics/news/records?group=g", "Accept", sse, "Origin", "http://evil").wantError(t, 403, "origin_not_allowed")
	f.get("/topics/news/records", "Last-Event-ID", "not ours").want(t, 200) // which a finite answer does not look at
	if n := f.s.bounds.streams.Used(); n != 0 {
		t.Errorf("%d streams are counted", n)
	}
}

func TestTheHeadOfAStream(t *testing.T) {
	f := start(t, Config{MaxStreams: -1})
	f.createTopic("news", "")
	for _, path := range []string{"/topics/news/records", "/topics/news/records?group=g&member=m"} {
		a := f.do("HEAD", path, "", "Accept", sse).want(t, 200)
		if a.header.Get("Content-Type") != sse || a.header.Get("X-Accel-Buffering") != "no" || a.header.Get("Content-Length") != "" {
			t.Error(a.header)
		}
	}
	f.get("/groups/g").want(t, 404)
	f.numbered("news", 0, 0, 3)
	for query, want := range map[string]string{"": "0:0", "&from_offset=2": "0:2", "&group=g": "0:0"} {
		a := f.do("HEAD", "/topics/news/records?follow=true"+query, "", "Accept", lines).want(t, 200)
		if got := a.header.Get("FlashQ-Position"); got != want {
			t.Errorf("%s: FlashQ-Position %q", query, got)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	f, s, dial := tcpWith(t, Config{MaxStreams: 1, MaxWaiters: -1})
	f.createTopic("news", "")
	c := dial("")
	openStream(t, c, sse, "/topics/news/records?group=g&member=m").wantEvent("retry: 2000|id: g1;0:0")
	refused := dial("GET /topics/news/records?group=h&member=m HTTP/1.1\r\nHost: localhost\r\nAccept: " + sse + "\r\n\r\n")
	defer refused.Close()
	readAnswer(t, bufio.NewReader(refused)).wantError(t, 429, "overloaded")
	f.get("/groups/h").want(t, 404) // who is refused has not joined
	begun := time.Now()
	c.Close()
	eventually(t, "the stream of a closed peer ends", func() bool { return s.bounds.streams.Used() == 0 })
	if took := time.Since(begun); took > 3*time.Second { // a second, and what other tests take
		t.Errorf("after %v", took)
	}
	if n := s.bounds.waiters.Used(); n != 0 {
		t.Errorf("%d count as waiters", n)
	}
	openStream(t, dial(""), sse, "/topics/news/records")
}

func TestAStreamEndsWithWhatItAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", `{"partitions":2}`)
		l := f.stream(sse, "/topics/news/records?to_time=1999-01-15")
		l.wantEvent("retry: 2000|id: 0:0,1:0")
		f.produce("/topics/news/records?partition=0", `{"value":"a","timestamp":"1999-01-14"}`, `{"value":"b","timestamp":"1999-01-16"}`)
		l.wantEvent("id: 0:1,1:0|a")
		f.produce("/topics/news/records?partition=1", `{"value":"c","timestamp":"1999-01-16"}`)
		l.wantEvent(`event: end|data: {"position":"0:1,1:0"}`)
		l.wantEnd()
		l = f.stream(lines, "/topics/news/records?follow=true&to_time=1999-01-15")
		if got := l.line(); !strings.Contains(got, `"value":"a"`) {
			t.Error(got)
		}
		l.wantLine(`{"end":{"position":"0:1,1:0"}}`)
		l.wantEnd()
	})
}

func TestAStreamTellsWhatIsNoLongerKept(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"segment_bytes":1024,"retention_bytes":2048}`)
	big := strings.Repeat("x", 600)
	for range 40 {
		f.produce("/topics/news/records", `{"value":"`+big+`"}`)
	}
	earliest := f.untilTrimmed("news")
	l := f.stream(sse, "/topics/news/records?from_offset=1&max_records=1")
	l.wantEvent(fmt.Sprintf("retry: 2000|id: 0:%d", earliest))
	l.wantEvent(fmt.Sprintf(`event: gap|data: {"partition":0,"from":1,"to":%d}`, earliest))
	l.wantEvent(fmt.Sprintf("id: 0:%d|%s", earliest+1, big))
	l = f.stream(lines, "/topics/news/records?from_offset=1&follow=true")
	if got, want := l.Response.Header.Get("FlashQ-Gap"), fmt.Sprintf("0:%d", earliest-1); got != want {
		t.Errorf("FlashQ-Gap %q, want %q", got, want)
	}
	l.wantLine(fmt.Sprintf(`{"gap":{"partition":0,"from":1,"to":%d}}`, earliest))
	l.wantLine(big)
	l = f.stream(sse, "/topics/news/records?from_offset=100")
	l.wantEvent("retry: 2000|id: 0:100")
	l.wantEvent(`event: beyond|data: {"partition":0,"next_offset":100,"high_water_mark":40}`)
	l = f.stream(lines, "/topics/news/records?from_offset=100&follow=true")
	if got := l.Response.Header.Get("FlashQ-Beyond"); got != "0:60" {
		t.Errorf("FlashQ-Beyond %q", got)
	}
	l.wantLine(`{"beyond":{"partition":0,"next_offset":100,"high_water_mark":40}}`)
}

// The good records come, and then it is told what is wrong.
func TestAStreamMeetsDamage(t *testing.T) {
	f := damaged(t)
	l := f.stream(sse, "/topics/news/records?from_offset=0")
	l.wantEvent("retry: 2000|id: 0:0,1:0")
	for _, want := range []string{"value-0", "value-1", "value-2", "id: 0:3,1:1|other"} {
		l.wantEvent(want)
	}
	details := l.wantError("corrupt_data")
	if details["partition"] != 0.0 || details["first_offset"] != 3.0 || details["next_good_offset"] != 4.0 {
		t.Error(details)
	}
	f.get("/topics/news/records?from_offset=3&partition=0", "Accept", sse).wantError(t, 500, "corrupt_data")
}

func TestAStreamEndsWithItsTopic(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", `{"partitions":2}`)
		l := f.stream(sse, "/topics/news/records")
		l.wantEvent("retry: 2000|id: 0:0,1:0")
		f.do("DELETE", "/topics/news", "").want(t, 204)
		if details := l.wantError("topic_not_found"); details["topic"] != "news" {
			t.Error(details)
		}
		f.get("/topics/news/records", "Accept", sse).wantError(t, 404, "topic_not_found")
	})
}

// Those who wait hear of the end at once; those who take nothing hold it up for a moment.
func TestStreamsEndWithTheServer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, s, p := piped(t, Config{})
		f.produce("/topics/news/records", `{"value":"`+strings.Repeat("x", 100_000)+`"}`)
		l := f.stream(sse, "/topics/news/records?group=g&member=m&from_offset=latest")
		l.wantEvent("retry: 2000|id: g1;0:1")
		l.wantEvent(`id: g1;0:1|event: assignment|data: {"generation":1,"assignment":[0]}`)
		stuck := p.send(t, "127.0.0.1", "GET /topics/news/records?from_offset=0 HTTP/1.1\r\nHost: flashq\r\nAccept: "+sse+"\r\n\r\n")
		defer stuck.Close()
		synctest.Wait()
		begun := time.Now()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the end took %v", took)
		}
		f.s.Drain()
		l.wantError("draining")
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the end was told after %v", took)
		}
		f.get("/topics/news/records", "Accept", sse).wantError(t, 503, "draining")
	})
}
