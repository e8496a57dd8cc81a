package http

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// raw posts a raw body; headers are name, value pairs beside its type.
func (f *fixture) postRaw(query, contentType, body string, headers ...string) answer {
	f.Helper()
	return f.do("POST", "/topics/news/records"+query, body, append([]string{"Content-Type", contentType}, headers...)...)
}

func TestARawBodyIsOneRecord(t *testing.T) {
	f := start(t, Config{})
	at := "2026-01-15T10:00:00.000Z"
	f.raw("POST /topics/news/records?timestamp=2026-01-15T10:00:00Z&key=a%26b&return=offsets HTTP/1.1\r\nHost: flashq\r\n"+
		"FlashQ-Header-Source: shop\r\nContent-Type: text/plain\r\nflashq-header-b: 1\r\nFlashQ-Header-A:\r\n"+
		"FLASHQ-HEADER-B:  2 3 \r\nContent-Length: 7\r\n\r\nhello\r\n").
		wantBody(t, `{"offset":0,"timestamp":"`+at+`","count":1,"partitions":[{"partition":0,"base_offset":0,"last_offset":0}],`+
			`"offsets":[{"partition":0,"offset":0}]}`)
	f.postRaw("?key_base64=AP/%2B&timestamp=1768471201000", "application/octet-stream; charset=klingon", "\x00\xff").
		want(t, 200)
	f.postRaw("?key=&timestamp=2026-01-15T10:00:02Z", "text/plain;charset=utf-8", "").want(t, 200)
	f.postRaw("?timestamp=2026-01-15T10:00:03Z", "Text/Plain", `{"records":[]}`).want(t, 200)
	f.postRaw("?timestamp=2026-01-15T10:00:04Z", "text/plain", "caf\xe9").want(t, 200)
	f.get("/topics/news/records", "Accept", "application/x-ndjson").wantBody(t, strings.Join([]string{
		`{"partition":0,"offset":0,"timestamp":"` + at + `","key":"a&b","value":"hello\r\n","headers":` +
			`[{"key":"source","value":"shop"},{"key":"b","value":"1"},{"key":"a","value":""},{"key":"b","value":"2 3"}]}`,
		`{"partition":0,"offset":1,"timestamp":"2026-01-15T10:00:01.000Z","key_base64":"AP/+","value_base64":"AP8=","headers":null}`,
		`{"partition":0,"offset":2,"timestamp":"2026-01-15T10:00:02.000Z","key":"","value":"","headers":null}`,
		`{"partition":0,"offset":3,"timestamp":"2026-01-15T10:00:03.000Z","key":null,"value":"{\"records\":[]}","headers":null}`,
		`{"partition":0,"offset":4,"timestamp":"2026-01-15T10:00:04.000Z","key":null,"value_base64":"Y2Fm6Q==","headers":null}`, "",
	}, "\n"))
}

func TestARawRecordGoesWhereItsKeySays(t *testing.T) {
	f := start(t, Config{DefaultPartitions: 16})
	f.produce("/topics/news/records", `{"key":"user123","value":"json"}`)
	f.postRaw("?key=user123", "text/plain", "raw").want(t, 200)
	got := f.fetch("/topics/news/records")
	if got.values() != "json raw" || got.Records[0].Partition != got.Records[1].Partition || got.Records[0].Partition == 0 {
		t.Errorf("%+v", got.Records)
	}
	f.postRaw("?key=user123&partition=0", "text/plain", "there").want(t, 200)
	if got := f.fetch("/topics/news/records?partition=0").values(); got != "there" {
		t.Error(got)
	}
}

func TestARawBodyGetsTheBrokersTime(t *testing.T) {
	f := start(t, Config{})
	before := time.Now().UTC().Truncate(time.Millisecond)
	f.postRaw("", "text/plain", "hello").want(t, 200)
	at, err := time.Parse(time.RFC3339, f.fetch("/topics/news/records").Records[0].Timestamp)
	if err != nil || at.Before(before) || at.After(time.Now()) {
		t.Errorf("%v %v", at, err)
	}
}

func TestRawLimits(t *testing.T) {
	f := start(t, Config{MaxKeyBytes: 3, MaxValueBytes: 4, MaxHeaderBytes: 5, MaxHeaders: 1})
	f.postRaw("?key=123", "text/plain", "1234", "FlashQ-Header-abc", "12345").want(t, 200)
	for what, row := range map[string]struct {
		query, body string
		headers     []string
		field       string
		most, given float64
	}{
		"key":          {"?key=1234", "", nil, "key", 3, 4},
		"value":        {"", "12345", nil, "value", 4, 5},
		"header value": {"", "", []string{"FlashQ-Header-a", "123456"}, "headers", 5, 6},
		"header name":  {"", "", []string{"FlashQ-Header-abcd", ""}, "headers", 3, 4},
		"headers":      {"", "", []string{"FlashQ-Header-a", "", "FlashQ-Header-b", ""}, "headers", 1, 2},
	} {
		d := f.postRaw(row.query, "text/plain", row.body, row.headers...).wantError(t, 400, "validation_error")
		if d["field"] != row.field || d["index"] != 0.0 || d["max_size"] != row.most || d["actual_size"] != row.given {
			t.Errorf("%s: %v", what, d)
		}
	}
	ahead := url.QueryEscape(time.Now().Add(time.Hour + time.Minute).Format(time.RFC3339))
	for _, at := range []string{ahead, "1960-01-01", "-5"} {
		if d := f.postRaw("?timestamp="+at, "text/plain", "").wantError(t, 400, "validation_error"); d["field"] != "timestamp" {
			t.Error(d)
		}
	}
	if got := *f.fetch("/topics/news/records").HighWaterMark; got != 1 {
		t.Errorf("%d records are stored", got)
	}
	for _, at := range []string{"5", "1000", "1768471201"} { // as a record of JSON may say it
		f.postRaw("?timestamp="+at, "text/plain", "").want(t, 200)
	}
	if got := f.fetch("/topics/news/records?from_offset=1").Records; got[0].Timestamp != "1970-01-01T00:00:00.005Z" ||
		got[2].Timestamp != "1970-01-21T11:14:31.201Z" {
		t.Errorf("%+v", got)
	}
}

// What only a raw body's record needs is refused beside records that have their own, and not lost in silence.
func TestWhatIsForRawBodiesOnly(t *testing.T) {
	f := start(t, Config{})
	for _, row := range []struct{ contentType, body string }{
		{"application/json", oneRecord}, {"application/x-ndjson", `{"value":"a"}`},
	} {
		for _, query := range []string{"key=k", "key=", "key_base64=AAAA", "timestamp=-5m"} {
			f.postRaw("?"+query, row.contentType, row.body).says(t, 400, "invalid_parameter", "is for raw bodies, text/plain")
		}
		d := f.postRaw("", row.contentType, row.body, "FlashQ-Header-Source", "shop").wantError(t, 400, "validation_error")
		if d["field"] != "Flashq-Header-Source" {
			t.Error(d)
		}
	}
	for _, query := range []string{
		"key=a&key_base64=AAAA", "key_base64=A", "timestamp=soon", "timestamp=", "key=a&key=b",
	} {
		f.postRaw("?"+query, "text/plain", "").wantError(t, 400, "invalid_parameter")
	}
	f.get("/topics/news").wantError(t, 404, "topic_not_found")
}

func TestRawBodiesCompressed(t *testing.T) {
	f := start(t, Config{})
	f.postRaw("", "text/plain", gzipped(t, "hello"), "Content-Encoding", "gzip").want(t, 200)
	f.postRaw("", "application/octet-stream", zstded(t, "world"), "Content-Encoding", "zstd").want(t, 200)
	if got := f.fetch("/topics/news/records").values(); got != "hello world" {
		t.Error(got)
	}
}

// A page can send a plain text to anybody without asking: the guard has to hold by itself.
func TestAForeignPageStoresNoText(t *testing.T) {
	f := start(t, Config{})
	for _, headers := range [][]string{
		{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"},
	} {
		f.postRaw("", "text/plain", "hello", headers...).wantError(t, 403, "origin_not_allowed")
	}
	f.postRaw("", "text/plain", "hello", "Origin", "http://flashq", "Sec-Fetch-Site", "same-origin").want(t, 200)
	if got := f.fetch("/topics/news/records").values(); got != "hello" {
		t.Error(got)
	}
}

// A body that is larger than what the memory storage copies is adopted by it: nobody may write over it.
func TestAdoptedRawBodiesStayWhole(t *testing.T) {
	f := start(t, Config{})
	const size = 120_000
	for i := range 20 {
		f.postRaw("", "text/plain", strings.Repeat(fmt.Sprint(i%10), size)).want(t, 200)
	}
	for i, r := range f.fetch("/topics/news/records?max_bytes=16777216").Records {
		if *r.Value != strings.Repeat(fmt.Sprint(i%10), size) {
			t.Errorf("record %d is another", i)
		}
	}
}
