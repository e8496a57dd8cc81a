package http

import (
	"encoding/json"
	"fmt"
	"io"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"flashq/actor"
)

func (f *fixture) stats(query string) (s Stats) {
	f.Helper()
	f.get("/stats"+query).want(f, 200).decode(f, &s)
	return s
}

// UnmarshalJSON reads what MarshalJSON writes; the server never reads one.
func (t *timestamp) UnmarshalJSON(text []byte) error {
	at, err := time.Parse(`"2006-01-02T15:04:05.000Z"`, string(text))
	*t = timestamp(at.UnixMilli())
	return err
}

// byHand is a server whose rates move on when the test says so.
func byHand(t *testing.T) (f *fixture, tick func(times int)) {
	f = start(t, Config{tick: time.Hour})
	return f, func(times int) {
		for range times {
			f.s.tick()
		}
	}
}

// Counters are exact, rates are what came in their windows, and quantiles of routes are there.
func TestStats(t *testing.T) {
	f, tick := byHand(t)
	f.createTopic("idle", `{"partitions":3}`)
	for range 20 {
		f.produce("/topics/news/records", `{"value":"a"}`, `{"value":"b"}`)
		tick(1)
	}
	f.fetch("/topics/news/records?max_records=5&timeout_ms=60000")
	got := f.stats("")
	if len(got.Topics) != 2 || got.Topics[0].Topic != "idle" || got.Topics[0].Partitions != 3 || got.Topics[0].RecordsIn.Total != 0 {
		t.Fatalf("topics %+v", got.Topics)
	}
	news := got.Topics[1]
	if in := news.RecordsIn; in.Total != 40 || in.PerSecond.Second != 2 || in.PerSecond.Ten != 2 || in.PerSecond.Minute <= .6 || in.PerSecond.Minute > .8 {
		t.Errorf("records in %+v", in)
	}
	if news.RecordsOut.Total != 5 || news.BytesIn.Total != 8*news.BytesOut.Total || news.BytesOut.Total == 0 || news.StorageBytes == 0 {
		t.Errorf("%+v", news)
	}
	if got.Total != news.TrafficStats {
		t.Errorf("in all %+v, of the one topic %+v", got.Total, news.TrafficStats)
	}
	routes := map[string]RouteStats{}
	for _, r := range got.Routes {
		routes[r.Method+" "+r.Route] = r
	}
	if r := routes["POST /topics/{topic}/records"]; r.Requests.Total != 20 || r.Requests.PerSecond.Ten != 1 || r.P999Ms < r.P50Ms || r.P50Ms <= 0 {
		t.Errorf("%+v", r)
	}
	if got.Requests.Total != 21 || got.Storage.Topics != 2 || got.Storage.Partitions != 4 || !got.Storage.Ready || got.Storage.Bytes != news.StorageBytes {
		t.Errorf("%d requests, storage %+v", got.Requests.Total, got.Storage)
	}
	tick(63)
	if in := f.stats("").Topics[1].RecordsIn; in.Total != 40 || in.PerSecond != (CountStats{}).PerSecond {
		t.Errorf("after a minute of nothing: %+v", in)
	}
	for _, r := range f.stats("").Routes {
		if r.Method == "POST" && (r.P50Ms != 0 || r.Requests.Total != 20) {
			t.Errorf("after a minute of nothing: %+v", r)
		}
	}
	f.s.rates.mu.Lock()
	defer f.s.rates.mu.Unlock()
	if n := len(f.s.rates.topics); n != 0 {
		t.Errorf("%d topics are kept in mind of which nothing is to be told", n)
	}
}

// A topic that is busy again after a pause has the rate of what came then; one that is deleted is not kept in mind.
func TestStatsAfterAPause(t *testing.T) {
	f, tick := byHand(t)
	f.produce("/topics/news/records", `{"value":"a"}`)
	tick(200)
	f.produce("/topics/news/records", `{"value":"a"}`, `{"value":"b"}`)
	tick(1)
	if in := f.stats("").Topics[0].RecordsIn; in.Total != 3 || in.PerSecond.Second != 2 || in.PerSecond.Ten != .2 {
		t.Errorf("%+v", in)
	}
	f.do("DELETE", "/topics/news", "").want(t, 204)
	tick(1)
	f.produce("/topics/news/records", `{"value":"a"}`)
	tick(1)
	if in := f.stats("").Topics[0].RecordsIn; in.Total != 4 || in.PerSecond.Second != 1 {
		t.Errorf("made anew: %+v", in)
	}
	f.do("DELETE", "/topics/news", "").want(t, 204)
	tick(1)
	f.s.rates.mu.Lock()
	defer f.s.rates.mu.Unlock()
	if n := len(f.s.rates.topics) + len(f.s.rates.last); n != 0 {
		t.Errorf("%d topics are kept in mind", n)
	}
}

// A long list comes in parts, as every other.
func TestStatsInParts(t *testing.T) {
	f := start(t, Config{})
	for i := range 5 {
		f.createTopic(fmt.Sprint("t", i), "")
	}
	var names []string
	for after := ""; ; {
		got := f.stats("?limit=2&after=" + after)
		for _, topic := range got.Topics {
			names = append(names, topic.Topic)
		}
		if after = got.Next; after == "" {
			break
		}
	}
	if strings.Join(names, " ") != "t0 t1 t2 t3 t4" {
		t.Error(names)
	}
	f.get("/stats?limit=1001").wantError(t, 400, "invalid_parameter")
	f.get("/stats", "Accept", "application/x-ndjson").wantError(t, 406, "not_acceptable")
}

// nextStats is the next event of a stream of figures.
func (l *live) nextStats() (s Stats) {
	l.Helper()
	event, data := l.line(), l.line()
	if end := l.line(); event != "event: stats" || end != "" {
		l.Fatalf("%q %q %q", event, data, end)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(data, "data: ")), &s); err != nil {
		l.Fatalf("%v in %s", err, data)
	}
	return s
}

// A stream has new figures every second, is counted as one, and ends with the server.
func TestStatsStream(t *testing.T) {
	f, tick := byHand(t)
	l := f.stream(sse, "/stats")
	if got := l.nextStats(); got.Total.RecordsIn.Total != 0 || got.Streams != 1 {
		t.Errorf("%+v", got)
	}
	f.produce("/topics/news/records", `{"value":"a"}`)
	tick(1)
	if got := l.nextStats(); got.Total.RecordsIn.PerSecond.Second != 1 || len(got.Topics) != 1 {
		t.Errorf("%+v", got)
	}
	tick(1)
	if got := l.nextStats(); got.Total.RecordsIn.PerSecond.Second != 0 || got.Total.RecordsIn.Total != 1 {
		t.Errorf("a second later: %+v", got)
	}
	f.s.Drain()
	if rest, err := io.ReadAll(l.body); err != nil || len(rest) != 0 {
		t.Errorf("it ends with %q, %v", rest, err)
	}
}

// A reader that has left is seen within a second, and its place is free.
func TestAStatsStreamWhoseReaderLeft(t *testing.T) {
	f, s, dial := tcpWith(t, Config{tick: time.Hour}) // nothing is sent that would show it
	c := dial("GET /stats HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
	if _, err := io.ReadFull(c, make([]byte, 300)); err != nil {
		t.Fatal(err)
	}
	if s.bounds.streams.Used() != 1 || s.statsStreams.Used() != 1 {
		t.Errorf("%d streams", s.bounds.streams.Used())
	}
	c.Close()
	left := time.Now()
	eventually(t, "the stream ends", func() bool { return s.bounds.streams.Used()+s.statsStreams.Used() == 0 })
	if took := time.Since(left); took > 1500*time.Millisecond {
		t.Errorf("that took %v", took)
	}
	f.get("/health").want(t, 200)
}

// By itself a second has the length of one.
func TestStatsTick(t *testing.T) {
	f := start(t, Config{})
	l := f.stream(sse, "/stats")
	l.nextStats()
	began := time.Now()
	l.nextStats()
	l.nextStats()
	if took := time.Since(began); took < 900*time.Millisecond || took > 10*time.Second {
		t.Errorf("two seconds took %v", took)
	}
}

// Streams of figures are bounded by --max-streams, and by a bound of their own.
func TestStatsStreamsAreBounded(t *testing.T) {
	f := start(t, Config{MaxStreams: 2})
	f.stream(sse, "/stats")
	f.stream(sse, "/stats?limit=3")
	f.get("/stats", "Accept", sse).wantError(t, 429, "overloaded")
	f.s.bounds.streams.Give(2) // as if there were room
	f.s.statsStreams.Take(mostStatsStreams - 2)
	f.get("/stats", "Accept", sse).wantError(t, 429, "overloaded")
	if n := f.s.bounds.streams.Used(); n != 0 {
		t.Errorf("a refused stream holds %d", n)
	}
	f.s.bounds.streams.Take(2)
}

// HTTP/1.0 has no chunks; a HEAD begins no stream.
func TestStatsStreamForms(t *testing.T) {
	f := start(t, Config{})
	c, err := f.ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /stats HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 2000)
	got := ""
	for !strings.Contains(got, "\r\n\r\nevent: stats\ndata: {") {
		n, err := c.Read(head)
		if got += string(head[:n]); err != nil {
			t.Fatalf("%v after %q", err, got)
		}
	}
	if a := f.do(nethttp.MethodHead, "/stats", "", "Accept", sse).want(t, 200); a.header.Get("Content-Type") != sse {
		t.Errorf("%v", a.header)
	}
	eventually(t, "a HEAD holds nothing", func() bool { return f.s.bounds.streams.Used() == 1 })
}

// What the engine says stands in the figures: how full memory is.
func TestStatsOfMemory(t *testing.T) {
	f := startOver(t, Config{}, actor.Config{MemoryBytes: 32 << 20})
	f.produce("/topics/news/records", `{"value":"`+strings.Repeat("x", 100_000)+`"}`)
	if m := f.stats("").Storage.Memory; m.Limit != 32<<20 || m.Used < 100_000 {
		t.Errorf("%+v", m)
	}
}

// A stream that is asked for while the server ends is told so; the figures themselves are shown to the end.
func TestStatsWhileDraining(t *testing.T) {
	f := start(t, Config{})
	f.s.Drain()
	f.get("/stats").want(t, 200)
	f.do(nethttp.MethodGet, "/stats", "", "Accept", sse).wantError(t, 503, "draining")
}
