package http

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flashq/actor"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// keyed posts records with an Idempotency-Key.
func (f *fixture) keyed(key, query, contentType, body string) answer {
	f.Helper()
	return f.postRaw(query, contentType, body, "Idempotency-Key", key)
}

// replays checks that an answer is the one that came first.
func (a answer) replays(t testing.TB, first answer) {
	t.Helper()
	a.want(t, 200)
	if a.body != first.body || a.header.Get("Idempotency-Replayed") != "true" ||
		first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("%s (replayed: %q) after %s (%q)", a.body, a.header.Get("Idempotency-Replayed"), first.body,
			first.header.Get("Idempotency-Replayed"))
	}
}

func TestARepeatedRequestGetsItsFirstAnswer(t *testing.T) {
	f := start(t, Config{DefaultPartitions: 3})
	for i, row := range []struct{ query, contentType, body, later string }{
		{"?return=offsets", "application/json", `{"records":[{"key":"a","value":1},{"value":"b"},{"value":"c","partition":2}]}`,
			`{ "records" : [{"value_text":"1","key":"a"},{"value_base64":"Yg=="},{"partition":2,"value":"c"}] }`},
		{"", "application/x-ndjson", `{"value":"a"}` + "\n" + `{"value":"b","timestamp":"-15m"}`,
			"\n" + `{"value":"a","headers":null}` + "\r\n" + `{"timestamp":"-15m","value":"b"}`},
		{"?key=k&timestamp=-1h", "text/plain", "hello", "hello"},
		{"?key=k", "text/plain", "hello", "hello"},
		{"?partition=1&return=offsets", "application/vnd.kafka.recordbatch.v2",
			string(slices.Concat(batchOf("a", 2), batchOf("b", 3))),
			string(slices.Concat(compressed(batchOf("a", 2), 2, snappied), batchOf("b", 3)))},
	} {
		key := fmt.Sprint("key ", i)
		first := f.keyed(key, row.query, row.contentType, row.body).want(t, 200)
		f.produce("/topics/news/records?partition=1", `{"value":"between"}`)
		f.keyed(`"`+key+`"`, row.query, row.contentType, row.body).replays(t, first)
		f.keyed(key, row.query, row.contentType, row.later).replays(t, first)
	}
	held := 0
	for _, p := range f.fetch("/topics/news/records").Partitions {
		held += int(p.HighWaterMark)
	}
	if held != 3+2+1+1+5+5 {
		t.Errorf("%d records are stored", held)
	}
}

// The time of an answer is what is stored, also of a record without one beside others that have theirs, and of one that
// is so long before now.
func TestARepeatedAnswerHasItsFirstTime(t *testing.T) {
	f := start(t, Config{})
	for _, row := range []struct{ query, contentType, body string }{
		{"", "application/json", `{"records":[{"value":"a","timestamp":1000},{"value":"b"}]}`},
		{"", "application/json", `{"records":[{"value":"a"},{"value":"b","timestamp":"-15m"}]}`},
		{"", "application/json", `{"records":[{"value":"a","timestamp":"-1m"},{"value":"b","timestamp":"-15m"}]}`},
		{"?timestamp=-1h", "text/plain", "hello"},
	} {
		first := f.keyed(row.body, row.query, row.contentType, row.body).want(t, 200)
		for before := time.Now(); time.Since(before) < 3*time.Millisecond; {
			f.keyed(row.body, row.query, row.contentType, row.body).replays(t, first)
		}
	}
}

func TestIdempotencyKeysThatAreNone(t *testing.T) {
	f := start(t, Config{})
	for _, key := range []string{"", `""`, "a\tb", "caf\xe9", strings.Repeat("k", 129), `"` + strings.Repeat("k", 129) + `"`} {
		d := f.keyed(key, "", "application/json", oneRecord).wantError(t, 400, "validation_error")
		if d["field"] != "Idempotency-Key" {
			t.Error(d)
		}
	}
	for _, key := range []string{"k", strings.Repeat("k", 128), `"` + strings.Repeat("k", 128) + `"`, `a "b" ~`, `"`} {
		f.keyed(key, "", "application/json", oneRecord).want(t, 200)
	}
	f.keyed(`"x\"\\"`, "", "application/json", oneRecord).want(t, 200)
	if got := f.keyed(`x"\`, "", "application/json", oneRecord).header.Get("Idempotency-Replayed"); got != "true" {
		t.Error("the quoted key is another than the bare one")
	}
	f.postRaw("", "application/json", oneRecord, "Idempotency-Key", "a", "Idempotency-Key", "b").
		says(t, 400, "invalid_request", "stands twice")
}

// A key stands for one request: anything else under it is refused, wherever it would go.
func TestAKeyStandsForOneRequest(t *testing.T) {
	f := start(t, Config{DefaultPartitions: 3})
	f.keyed("k", "?partition=1", "application/json", `{"records":[{"key":"a","value":"b","timestamp":1000}]}`).want(t, 200)
	for what, row := range map[string][2]string{
		"another value":     {"?partition=1", `{"records":[{"key":"a","value":"c","timestamp":1000}]}`},
		"one more":          {"?partition=1", `{"records":[{"key":"a","value":"b","timestamp":1000},{"value":"c"}]}`},
		"another partition": {"?partition=2", `{"records":[{"key":"a","value":"b","timestamp":1000}]}`},
		"no partition":      {"", `{"records":[{"key":"a","value":"b","timestamp":1000}]}`},
		"another time":      {"?partition=1", `{"records":[{"key":"a","value":"b","timestamp":1001}]}`},
		"no time":           {"?partition=1", `{"records":[{"key":"a","value":"b"}]}`},
		"a header":          {"?partition=1", `{"records":[{"key":"a","value":"b","timestamp":1000,"headers":{"a":""}}]}`},
	} {
		a := f.keyed("k", row[0], "application/json", row[1])
		if a.wantError(t, 422, "idempotency_key_reused"); !strings.Contains(a.body, "new key") {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	f.keyed("k", "?partition=1", "application/x-ndjson", `{"key":"a","value":"b","timestamp":1000}`).want(t, 200)
	if got := f.fetch("/topics/news/records").values(); got != "b" {
		t.Error(got)
	}
}

// A request that is refused does not use its key up.
func TestARefusedRequestLeavesItsKey(t *testing.T) {
	f := start(t, Config{})
	f.keyed("k", "", "application/json", `{"records":[{"key":"a"}]}`).wantError(t, 422, "record_validation_error")
	f.keyed("k", "?partition=7", "application/json", oneRecord).wantError(t, 404, "partition_not_found")
	f.keyed("k", "?partition=0", "application/vnd.kafka.recordbatch.v2", "bad").wantError(t, 422, "corrupt_batch")
	if a := f.keyed("k", "", "application/json", oneRecord).want(t, 200); a.header.Get("Idempotency-Replayed") != "" {
		t.Error("taken for a replay")
	}
}

// Records without a key go where the request's key says, on every try and in every format.
func TestKeylessRecordsFollowTheRequestsKey(t *testing.T) {
	f := start(t, Config{DefaultPartitions: 16})
	for _, key := range []string{"user123", "another", "third"} {
		f.keyed(key, "", "application/json", `{"records":[{"value":"`+key+`"},{"value":"`+key+`"}]}`).want(t, 200)
		f.produce("/topics/news/records", `{"key":"`+key+`","value":"`+key+`"}`)
		partition := batch.Partition([]byte(key), 16)
		got := f.fetch(fmt.Sprintf("/topics/news/records?partition=%d", partition)).values()
		if strings.Count(got, key) != 3 {
			t.Errorf("%s: %q", key, got)
		}
	}
}

func TestTooManyKeysAreToldWhich(t *testing.T) {
	f := startOver(t, Config{}, actor.Config{MaxKeys: 2})
	f.keyed("a", "", "application/json", oneRecord).want(t, 200)
	f.keyed("b", "", "application/json", oneRecord).want(t, 200)
	full := f.keyed("c", "", "application/json", oneRecord)
	d := full.wantError(t, 429, "overloaded")
	if d["flag"] != "--max-idempotency-keys" || d["limit"] != 2.0 {
		t.Error(d)
	}
	if full.header.Get("Retry-After") != "60" || d["retry_after_ms"] != 60_000.0 { // keys are known for minutes
		t.Errorf("%v %v", full.header, d)
	}
	f.keyed("a", "", "application/json", oneRecord).want(t, 200)
	f.produce("/topics/news/records", `{"value":"no key"}`)
}

// numbered is a batch with a producer's numbers.
func numbered(b []byte, id int64, epoch int16, sequence int32) []byte {
	return reseal(b, func(p []byte) {
		binary.BigEndian.PutUint64(p[43:], uint64(id))
		binary.BigEndian.PutUint16(p[51:], uint16(epoch))
		binary.BigEndian.PutUint32(p[53:], uint32(sequence))
	})
}

// Kafka's producers number their batches: what comes again is answered with where it is, and what doesn't follow is
// refused.
func TestBatchesOfAProducer(t *testing.T) {
	f := start(t, Config{})
	first := numbered(batchOf("a", 2), 9, 3, 0)
	second := slices.Concat(numbered(batchOf("b", 3), 9, 3, 2), numbered(batchOf("c", 1), 9, 3, 5))
	f.postBatches("?partition=0", first).want(t, 200)
	f.produce("/topics/news/records", `{"value":"between"}`)
	answer := f.postBatches("?partition=0&return=offsets", second).want(t, 200)
	f.postBatches("?partition=0&return=offsets", second).wantBody(t, answer.body)
	f.postBatches("?partition=0&return=offsets", slices.Concat(first, second)).
		wantBody(t, `{"offset":6,"timestamp":"2026-01-15T10:00:00.000Z","count":6,"partitions":`+
			`[{"partition":0,"base_offset":0,"last_offset":1},{"partition":0,"base_offset":3,"last_offset":6}],`+
			`"offsets":[{"partition":0,"offset":0},{"partition":0,"offset":1},{"partition":0,"offset":3},`+
			`{"partition":0,"offset":4},{"partition":0,"offset":5},{"partition":0,"offset":6}]}`)
	d := f.postBatches("?partition=0", numbered(batchOf("d", 1), 9, 3, 8)).wantError(t, 409, "out_of_order_sequence")
	want := map[string]any{"topic": "news", "partition": 0.0, "producer_id": 9.0, "expected": 6.0, "got": 8.0}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	f.postBatches("?partition=0", numbered(batchOf("e", 1), 9, 4, 0)).want(t, 200)
	d = f.postBatches("?partition=0", numbered(batchOf("f", 1), 9, 3, 6)).wantError(t, 409, "producer_fenced")
	want["expected"], want["got"] = 4.0, 3.0
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	if got := f.fetch("/topics/news/records").values(); got != "a0 a1 between b0 b1 b2 c0 e0" {
		t.Error(got)
	}
	d = f.postBatches("?partition=0", slices.Concat(batchOf("g", 1), numbered(batchOf("h", 1), 9, 4, 1)), "Idempotency-Key", "k").
		wantError(t, 400, "validation_error")
	if d["field"] != "Idempotency-Key" {
		t.Error(d)
	}
	f.postBatches("?partition=0", numbered(batchOf("i", 1), 1<<62|9, 0, 0)).wantError(t, 422, "not_supported")
}

// A key knows its request in whatever format it comes.
func TestAKeyKnowsItsRequestInEveryFormat(t *testing.T) {
	f := start(t, Config{})
	keys := 0
	rapid.Check(t, func(t *rapid.T) {
		keys++
		records := rapid.SliceOfN(rapid.Custom(drawRecord), 1, 3).Draw(t, "records")
		most := rapid.IntRange(1, 3).Draw(t, "records in a batch")
		var first answer
		topic := fmt.Sprintf("t%d", keys)
		for name, send := range f.formats(records, most, fmt.Sprint("key ", keys)) {
			if name == "raw" && len(records) > 1 {
				continue // as many requests
			}
			switch a := send(topic)[0]; {
			case first.body == "":
				first = a
			case a.status != 200 || a.body != first.body || a.header.Get("Idempotency-Replayed") != "true":
				t.Fatalf("%s: %d %s after %s", name, a.status, a.body, first.body)
			}
		}
		if diff := cmp.Diff(records, f.storedIn(t, topic)); diff != "" {
			t.Fatalf("(-sent +stored):\n%s", diff)
		}
		f.do("DELETE", "/topics/"+url.PathEscape(topic), "").want(f, 204)
	})
}

// While the first try is under way a second one is told to come again, and gets the first one's answer then.
func TestAKeyInFlight(t *testing.T) {
	fs := segmenttest.New()
	f := startOver(t, Config{}, actor.Config{FS: fs})
	f.createTopic("news", `{}`)
	writing, goOn := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release) // before the broker is closed
	var once sync.Once
	fs.SetHook(func(op segmenttest.Op, name string) {
		if op == segmenttest.OpWrite && strings.HasPrefix(name, "news-0") && strings.HasSuffix(name, ".log") {
			once.Do(func() { close(writing) })
			<-goOn
		}
	})
	first := make(chan answer)
	go func() { first <- f.keyed("k", "", "application/json", oneRecord) }()
	<-writing
	f.keyed("k", "", "application/json", oneRecord).wantError(t, 409, "idempotency_in_flight")
	f.keyed("k", "", "text/plain", "another").wantError(t, 409, "idempotency_in_flight") // the first may be refused yet
	release()
	a := <-first
	f.keyed("k", "", "application/json", oneRecord).replays(t, a.want(t, 200))
}
