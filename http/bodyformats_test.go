package http

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flashq/segment/batch"
)

// anyRecord is a record that some format can hold; nil is null.
type anyRecord struct {
	Time       int64
	Key, Value []byte
	Headers    []anyHeader
}

type anyHeader struct{ Key, Value []byte }

// drawRecord draws what comes up in practice and what is odd: text, bytes, null, empty, long, repeated names.
func drawRecord(t *rapid.T) anyRecord {
	bytesOrText := rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 0, 40), rapid.Map(rapid.StringN(0, 20, 60), func(s string) []byte { return []byte(s) }),
		rapid.Map(rapid.IntRange(0, 9000), func(n int) []byte { return bytes.Repeat([]byte("long "), n/5) }))
	short := rapid.Map(rapid.StringMatching(`[a-z0-9!#$_.-]{0,12}`), func(s string) []byte { return []byte(s) })
	orNull := func(g *rapid.Generator[[]byte]) *rapid.Generator[[]byte] {
		return rapid.OneOf(g, rapid.Just([]byte(nil)))
	}
	header := rapid.Custom(func(t *rapid.T) anyHeader {
		odd := rapid.SliceOfN(rapid.Byte(), 0, 12)
		if rapid.IntRange(0, 3).Draw(t, "odd") > 0 {
			odd = short
		}
		return anyHeader{odd.Draw(t, "name"), orNull(odd).Draw(t, "header value")}
	})
	r := anyRecord{
		Time:  rapid.Int64Range(0, 1_768_471_200_000).Draw(t, "time"),
		Key:   orNull(rapid.OneOf(short, rapid.SliceOfN(rapid.Byte(), 0, 40))).Draw(t, "key"),
		Value: orNull(bytesOrText).Draw(t, "value"),
	}
	for _, h := range rapid.SliceOfN(header, 0, 3).Draw(t, "headers") {
		if h.Key == nil {
			h.Key = []byte{}
		}
		r.Headers = append(r.Headers, h)
	}
	return r
}

// member writes a field as text where it is some, else as base64.
func member(name string, p []byte) string {
	switch {
	case p == nil:
		return `"` + name + `":null`
	case utf8.Valid(p):
		text, _ := json.Marshal(string(p))
		return `"` + name + `":` + string(text)
	}
	return `"` + name + `_base64":"` + base64.StdEncoding.EncodeToString(p) + `"`
}

func (r *anyRecord) json() string {
	headers := []string{}
	for _, h := range r.Headers {
		headers = append(headers, "{"+member("key", h.Key)+","+member("value", h.Value)+"}")
	}
	return fmt.Sprintf(`{%s,%s,"timestamp":%d,"headers":[%s]}`, member("key", r.Key), member("value", r.Value), r.Time,
		strings.Join(headers, ","))
}

// isRaw tells whether a raw body can hold the record: it has a value, and HTTP can hold its headers.
func (r *anyRecord) isRaw() bool {
	for _, h := range r.Headers {
		token := func(c rune) bool {
			return c > '~' || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789!#$_.-", c)
		}
		printable := func(c rune) bool { return c > '~' || c < '!' }
		if h.Value == nil || bytes.IndexFunc(h.Key, token) >= 0 || bytes.IndexFunc(h.Value, printable) >= 0 {
			return false
		}
	}
	return r.Value != nil
}

// raw sends the record as a raw body: net/http would sort its headers.
func (r *anyRecord) raw(topic, key string) string {
	var head strings.Builder
	at := time.UnixMilli(r.Time).UTC().Format("2006-01-02T15:04:05.000Z") // a small number would look like seconds
	fmt.Fprintf(&head, "POST /topics/%s/records?partition=0&timestamp=%s", topic, at)
	if r.Key != nil {
		head.WriteString("&key=" + url.QueryEscape(string(r.Key)))
	}
	head.WriteString(" HTTP/1.1\r\nHost: flashq\r\nContent-Type: application/octet-stream\r\n")
	if key != "" {
		fmt.Fprintf(&head, "Idempotency-Key: %s\r\n", key)
	}
	for _, h := range r.Headers {
		fmt.Fprintf(&head, "FlashQ-Header-%s: %s\r\n", h.Key, h.Value)
	}
	fmt.Fprintf(&head, "Content-Length: %d\r\n\r\n%s", len(r.Value), r.Value)
	return head.String()
}

// batches puts the records into batches of at most so many.
func batches(records []anyRecord, most int, pack func(b []byte) []byte) (body []byte) {
	for some := range slices.Chunk(records, most) {
		var b batch.Builder
		b.Reset(nil)
		for _, r := range some {
			headers := []batch.Header{}
			for _, h := range r.Headers {
				headers = append(headers, batch.Header{Key: h.Key, Value: h.Value})
			}
			b.Add(r.Time, r.Key, r.Value, headers...)
		}
		body = append(body, pack(b.Finish())...)
	}
	return body
}

// storedIn reads a topic's records back, each field as its bytes.
func (f *fixture) storedIn(t *rapid.T, topic string) []anyRecord {
	a := f.get("/topics/"+topic+"/records?encoding=base64&max_records=1000", "Accept", "application/x-ndjson")
	var all []anyRecord
	for line := range strings.Lines(a.body) {
		var r struct {
			Timestamp string
			Key       []byte `json:"key_base64"`
			Value     []byte `json:"value_base64"`
			Headers   []struct {
				Name  string `json:"key"` // a name that is text stays text
				Key   []byte `json:"key_base64"`
				Value []byte `json:"value_base64"`
			}
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		at, err := time.Parse(time.RFC3339, r.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		got := anyRecord{Time: at.UnixMilli(), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			if h.Key == nil {
				h.Key = []byte(h.Name)
			}
			got.Headers = append(got.Headers, anyHeader{h.Key, h.Value})
		}
		all = append(all, got)
	}
	return all
}

// Any record that a format can hold is stored the same through every other that can hold it.
func TestFormatsStoreTheSame(t *testing.T) {
	f := start(t, Config{})
	topics := 0
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(drawRecord), 1, 5).Draw(t, "records")
		most := rapid.IntRange(1, 5).Draw(t, "records in a batch")
		for name, send := range f.formats(records, most, "") {
			topics++
			topic := fmt.Sprintf("t%d", topics)
			for _, a := range send(topic) {
				if a.status != 200 {
					t.Fatalf("%s: %d %s", name, a.status, a.body)
				}
			}
			if diff := cmp.Diff(records, f.storedIn(t, topic)); diff != "" {
				t.Fatalf("%s (-sent +stored):\n%s", name, diff)
			}
			f.do("DELETE", "/topics/"+topic, "").want(f, 204)
		}
	})
}

// formats are the ways to send records that can hold them; key is their Idempotency-Key, "" none.
func (f *fixture) formats(records []anyRecord, most int, key string) map[string]func(topic string) []answer {
	lines := []string{}
	raw := true
	for i := range records {
		lines = append(lines, records[i].json())
		raw = raw && records[i].isRaw()
	}
	one := func(contentType, body string) func(topic string) []answer {
		return func(topic string) []answer {
			headers := []string{"Content-Type", contentType}
			if key != "" {
				headers = append(headers, "Idempotency-Key", key)
			}
			return []answer{f.do("POST", "/topics/"+topic+"/records?partition=0", body, headers...)}
		}
	}
	all := map[string]func(topic string) []answer{
		"JSON":   one("application/json", `{"records":[`+strings.Join(lines, ",")+`]}`),
		"NDJSON": one("application/x-ndjson", strings.Join(lines, "\r\n\n")),
	}
	for name, pack := range map[string]func(b []byte) []byte{
		"none": func(b []byte) []byte { return b },
		"gzip": func(b []byte) []byte {
			return compressed(b, 1, func(p []byte) []byte { return []byte(gzipped(f, string(p))) })
		},
		"snappy": func(b []byte) []byte { return compressed(b, 2, snappied) },
		"lz4":    func(b []byte) []byte { return compressed(b, 3, func(p []byte) []byte { return lz4ed(f, p) }) },
		"zstd": func(b []byte) []byte {
			return compressed(b, 4, func(p []byte) []byte { return []byte(zstded(f, string(p))) })
		},
	} {
		all["batches, "+name] = one("application/vnd.kafka.recordbatch.v2", string(batches(records, most, pack)))
	}
	if raw {
		all["raw"] = func(topic string) (answers []answer) {
			for i := range records {
				answers = append(answers, f.raw(records[i].raw(topic, key)))
			}
			return answers
		}
	}
	return all
}
