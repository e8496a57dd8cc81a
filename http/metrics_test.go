package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"flashq/actor"
)

// scraped are the families of a page, by name.
type scraped map[string]*dto.MetricFamily

// scrape reads the page of metrics as Prometheus does, and has its linter look at it.
func (f *fixture) scrape() scraped {
	f.Helper()
	a := f.get("/metrics").want(f, 200)
	if got := a.header.Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		f.Errorf("content type %q", got)
	}
	return parsePage(f, a.body)
}

func parsePage(t testing.TB, text string) scraped {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("promlint: %s: %s", p.Metric, p.Text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families
}

// value gives a sample of a counter or a gauge, or a histogram's count; labels are name, value pairs, and all of them.
// -1 is no such sample.
func (s scraped) value(name string, labels ...string) float64 {
	family := s[name]
	if family == nil {
		return -1
	}
	for _, m := range family.Metric {
		if !hasLabels(m, labels) {
			continue
		}
		switch {
		case m.Counter != nil:
			return m.Counter.GetValue()
		case m.Gauge != nil:
			return m.Gauge.GetValue()
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount())
		}
	}
	return -1
}

func hasLabels(m *dto.Metric, labels []string) bool {
	if 2*len(m.Label) != len(labels) {
		return false
	}
	for i := 0; i < len(labels); i += 2 {
		found := false
		for _, l := range m.Label {
			found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
		}
		if !found {
			return false
		}
	}
	return true
}

// wanted is a sample that a page must have.
type wanted struct {
	value  float64
	name   string
	labels []string
}

func sample(value float64, name string, labels ...string) wanted { return wanted{value, name, labels} }

func (s scraped) want(t testing.TB, all ...wanted) {
	t.Helper()
	for _, w := range all {
		if got := s.value(w.name, w.labels...); got != w.value {
			t.Errorf("%s%v is %v, want %v", w.name, w.labels, got, w.value)
		}
	}
}

// What went over the wire stands on the page, under the names and labels of the contract.
func TestMetrics(t *testing.T) {
	f := startOver(t, Config{Version: "1.2.3"}, actor.Config{Dir: t.TempDir(), Fsync: actor.FsyncAlways})
	f.createTopic("news", `{"partitions":2}`)
	f.produce("/topics/news/records?partition=0", `{"value":"a"}`, `{"value":"b"}`, `{"value":"c"}`)
	f.produce("/topics/news/records?partition=1", `{"value":"d"}`)
	f.fetch("/topics/news/records?group=g&partition=0&max_records=2")
	f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":2}]}`).want(t, 200)
	f.get("/topics/none").want(t, 404)
	f.get("/made/up").want(t, 404)
	f.do("BREW", "/made/up/again", "").want(t, 404)
	f.do("HEAD", "/topics/news", "").want(t, 200)
	f.raw("GARBAGE\r\n\r\n").want(t, 400)
	got := f.scrape()
	const produce, records = "/topics/{topic}/records", "/topics/{topic}/records"
	got.want(t,
		sample(1, "flashq_build_info", "version", "1.2.3"),
		sample(1, "flashq_ready"),
		sample(0, "flashq_not_ready", "reason", "disk_full"),
		sample(4, "flashq_records_produced_total", "topic", "news"),
		sample(2, "flashq_records_consumed_total", "topic", "news"),
		sample(2, "flashq_http_requests_total", "route", produce, "method", "POST", "status", "200"),
		sample(1, "flashq_http_requests_total", "route", records, "method", "GET", "status", "200"),
		sample(1, "flashq_http_requests_total", "route", "/topics/{topic}", "method", "PUT", "status", "201"),
		sample(1, "flashq_http_requests_total", "route", "/topics/{topic}", "method", "GET", "status", "404"),
		sample(1, "flashq_http_requests_total", "route", "/topics/{topic}", "method", "HEAD", "status", "200"),
		sample(1, "flashq_http_requests_total", "route", "other", "method", "GET", "status", "404"),
		sample(1, "flashq_http_requests_total", "route", "other", "method", "other", "status", "404"),
		sample(3, "flashq_http_request_duration_seconds", "route", produce),
		sample(1, "flashq_rejected_total", "reason", "topic_not_found"),
		sample(1, "flashq_rejected_total", "reason", "invalid_request"),
		sample(0, "flashq_rejected_total", "reason", "overloaded"),
		sample(0, "flashq_partition_earliest_offset", "topic", "news", "partition", "0"),
		sample(3, "flashq_partition_high_water_mark", "topic", "news", "partition", "0"),
		sample(1, "flashq_partition_high_water_mark", "topic", "news", "partition", "1"),
		sample(2, "flashq_group_committed_offset", "group", "g", "topic", "news", "partition", "0"),
		sample(1, "flashq_group_lag_records", "group", "g", "topic", "news", "partition", "0"),
		sample(1, "flashq_group_lag_records", "group", "g", "topic", "news", "partition", "1"),
		sample(0, "flashq_group_members", "group", "g"),
		sample(2, "flashq_append_batch_bytes"),
		sample(0, "flashq_waiting_fetches"),
		sample(0, "flashq_open_streams"),
		sample(1, "flashq_limit_used", "bound", "max-topics"),
		sample(10_000, "flashq_limit", "bound", "max-topics"),
		sample(2, "flashq_limit_used", "bound", "max-partitions-total"),
		sample(0, "flashq_failed_partitions"),
	)
	if in, out := got.value("flashq_bytes_produced_total", "topic", "news"), got.value("flashq_bytes_consumed_total", "topic", "news"); in != 2*out || out < 10 {
		t.Errorf("%v bytes in with 4 records, %v out with 2 that are as long", in, out)
	}
	if n := got.value("flashq_fsync_duration_seconds"); n < 2 {
		t.Errorf("%v syncs for two appends with --fsync=always", n)
	}
	if age := got.value("flashq_group_lag_seconds", "group", "g", "topic", "news"); age < 0 || age > 60 {
		t.Errorf("the group is %v seconds behind", age)
	}
	if bytes := got.value("flashq_storage_bytes", "topic", "news"); bytes < 2*61 {
		t.Errorf("%v bytes of storage", bytes)
	}
	for _, name := range []string{"flashq_recovery_seconds", "go_goroutines", "go_memstats_heap_alloc_bytes", "go_gc_duration_seconds", "process_start_time_seconds"} {
		if got[name] == nil {
			t.Errorf("no %s", name)
		}
	}
}

// Whatever clients make up, and however many they are, routes, methods and statuses are a few.
func TestRequestsHaveFewLabels(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("t0", "")
	f.scrape()
	before := len(f.scrape()["flashq_http_requests_total"].Metric)
	for i := range 200 {
		f.do(fmt.Sprint("M", i), fmt.Sprint("/nowhere/", i), "")
		f.get(fmt.Sprint("/topics/t", i, "/records?x=", i))
		f.get(fmt.Sprint("/groups/", i))
	}
	got := f.scrape()
	if after := len(got["flashq_http_requests_total"].Metric); after > before+6 {
		t.Errorf("%d series became %d", before, after)
	}
	got.want(t, sample(200, "flashq_http_requests_total", "route", "other", "method", "other", "status", "404"))
}

// Counters never go back, also where a topic is deleted and made anew; a topic that is not there any more is not on the
// page.
func TestCountersNeverGoBack(t *testing.T) {
	f := start(t, Config{})
	last := 0.0
	for round := range 3 {
		f.createTopic("news", "")
		f.produce("/topics/news/records", `{"value":"a"}`, `{"value":"b"}`)
		got := f.scrape()
		now := got.value("flashq_records_produced_total", "topic", "news")
		if now != last+2 {
			t.Errorf("round %d: %v after %v", round, now, last)
		}
		got.want(t, sample(2, "flashq_partition_high_water_mark", "topic", "news", "partition", "0"))
		last = now
		f.do("DELETE", "/topics/news", "").want(t, 204)
		if text := f.get("/metrics").body; strings.Contains(text, `topic="news"`) {
			t.Error("a deleted topic is still there")
		}
	}
}

// Without topics, sums stand for them, those of deleted topics included, and groups are sums, too.
func TestMetricsWithoutTopics(t *testing.T) {
	f := start(t, Config{NoTopicMetrics: true})
	for _, topic := range []string{"a", "b", "c"} {
		f.produce("/topics/"+topic+"/records", `{"value":"1"}`, `{"value":"2"}`)
	}
	f.fetch("/topics/a/records")
	f.fetch("/topics/b/records?group=g")
	f.post("/groups/g/offsets", `{"offsets":[{"topic":"b","partition":0,"offset":1}]}`).want(t, 200)
	f.do("DELETE", "/topics/c", "").want(t, 204)
	got := f.scrape()
	got.want(t,
		sample(6, "flashq_records_produced_total"), sample(4, "flashq_records_consumed_total"),
		sample(1, "flashq_group_lag_records"), sample(0, "flashq_group_members"), sample(2, "flashq_topics"),
	)
	if got.value("flashq_storage_bytes") < 2*61 || got["flashq_partition_high_water_mark"] != nil || got["flashq_group_committed_offset"] != nil {
		t.Errorf("%v bytes; partitions %v", got.value("flashq_storage_bytes"), got["flashq_partition_high_water_mark"])
	}
	if text := f.get("/metrics").body; strings.Contains(text, `topic="`) || strings.Contains(text, `group="`) {
		t.Error(text)
	}
}

// What was stored before counts as stored once; parts of a request that was repeated, too.
func TestRepeatedRequestsCountOnce(t *testing.T) {
	f := start(t, Config{})
	for range 3 {
		f.do("POST", "/topics/news/records", `{"records":[{"value":"a"},{"value":"b"}]}`, "Content-Type", "application/json", "Idempotency-Key", "k").want(t, 200)
	}
	f.scrape().want(t, sample(2, "flashq_records_produced_total", "topic", "news"))
}

// Every form of an answer counts what it sends, and a HEAD sends nothing.
func TestConsumedCounts(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"key":"k","value":"a"}`, `{"value":"b"}`)
	for i, accept := range []string{"application/json", "application/x-ndjson", "application/vnd.kafka.recordbatch.v2"} {
		f.get("/topics/news/records", "Accept", accept).want(t, 200)
		f.do("HEAD", "/topics/news/records", "", "Accept", accept).want(t, 200)
		got := f.scrape()
		got.want(t, sample(float64(2*(i+1)), "flashq_records_consumed_total", "topic", "news"))
		want := got.value("flashq_bytes_produced_total", "topic", "news") * float64(i+1)
		got.want(t, sample(want, "flashq_bytes_consumed_total", "topic", "news"))
	}
	f.get("/topics/news/records?offset=1&partition=0", "Accept", "application/octet-stream")
}

// While it recovers, the page has what is known by then.
func TestMetricsWhileRecovering(t *testing.T) {
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	f := serve(t, Config{})
	got := f.scrape()
	got.want(t, sample(0, "flashq_ready"), sample(1, "flashq_not_ready", "reason", "recovering"))
	if got["go_goroutines"] == nil || got["flashq_topics"] != nil {
		t.Errorf("%v", got)
	}
	f.s.Open(engine)
	f.scrape().want(t, sample(1, "flashq_ready"), sample(0, "flashq_not_ready", "reason", "recovering"), sample(0, "flashq_topics"))
}

// Prometheus' own way: over a socket, with gzip accepted.
func TestMetricsOverASocket(t *testing.T) {
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	s := New(Config{Broker: engine})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	url := "http://" + ln.Addr().String()
	for range 3 {
		res, err := nethttp.Post(url+"/topics/news/records", "application/json", bytes.NewReader([]byte(`{"records":[{"value":"a"}]}`)))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	res, err := nethttp.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	got := parsePage(t, string(text))
	got.want(t,
		sample(3, "flashq_records_produced_total", "topic", "news"),
		sample(3, "flashq_http_requests_total", "route", "/topics/{topic}/records", "method", "POST", "status", "200"))
	if n := got.value("flashq_open_connections"); n < 1 {
		t.Errorf("%v connections", n)
	}
	nethttp.DefaultClient.CloseIdleConnections()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	<-served
}
