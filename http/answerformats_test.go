package http

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"flashq/segment/batch"
)

// one is a record as tests compare it; nil is null.
type one struct {
	offset, time int64
	key, value   []byte
	headers      []batch.Header
}

func (r one) String() string {
	show := func(p []byte) string {
		if p == nil {
			return "null"
		}
		return fmt.Sprintf("%q", p)
	}
	text := fmt.Sprintf("%d at %d: %s = %s", r.offset, r.time, show(r.key), show(r.value))
	for _, h := range r.headers {
		text += fmt.Sprintf(" %q: %s", h.Key, show(h.Value))
	}
	return text
}

// anyOne draws what every format but raw can hold: the names of headers are text.
func anyOne() *rapid.Generator[one] {
	bits := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }),
		rapid.SampledFrom([][]byte{{}, []byte("plain"), []byte(`{"item": 7}`), []byte("[1,\n2]"), []byte("null"), []byte(" 1")}),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(p []byte) []byte { return append([]byte{}, p...) }),
	)
	orNull := rapid.OneOf(bits, rapid.Just[[]byte](nil))
	name := rapid.OneOf(rapid.SampledFrom([]string{"a", "trace-id", "A", "", "b c", "ä"}), rapid.String())
	header := rapid.Custom(func(t *rapid.T) batch.Header {
		return batch.Header{Key: []byte(strings.ToValidUTF8(name.Draw(t, "name"), "")), Value: orNull.Draw(t, "header")}
	})
	return rapid.Custom(func(t *rapid.T) one {
		return one{
			time: rapid.Int64Range(0, 4e12).Draw(t, "time"), key: orNull.Draw(t, "key"), value: orNull.Draw(t, "value"),
			headers: rapid.SliceOfN(header, 0, 4).Draw(t, "headers"),
		}
	})
}

// Whatever a record is, and however it is stored, every format gives the same.
func TestEveryFormatGivesTheSameRecords(t *testing.T) {
	f := start(t, Config{})
	codecs := []func(p []byte) []byte{
		asIs, func(p []byte) []byte { return []byte(gzipped(t, string(p))) },
		func(p []byte) []byte { return snappy.Encode(nil, p) }, func(p []byte) []byte { return lz4ed(t, p) },
		func(p []byte) []byte { return []byte(zstded(t, string(p))) },
	}
	next := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		records := rapid.SliceOfN(anyOne(), 1, 4).Draw(rt, "records")
		codec := rapid.IntRange(0, 4).Draw(rt, "codec")
		var build batch.Builder
		for i := range records {
			r := &records[i]
			r.offset = next + int64(i)
			build.Add(r.time, r.key, r.value, r.headers...)
		}
		plain := build.Finish()
		stored := append(bytes.Clone(plain[:batch.HeaderSize]), codecs[codec](plain[batch.HeaderSize:])...)
		f.store(reseal(stored, func(p []byte) { p[22] |= byte(codec) }))
		path := fmt.Sprintf("/topics/news/records?from_offset=%d", next)
		next += int64(len(records))
		for _, encoding := range []string{"", "&encoding=text", "&encoding=base64", "&encoding=json"} {
			same(rt, "JSON"+encoding, f.document(path+encoding), records)
			same(rt, "NDJSON"+encoding, f.lines(path+encoding), records)
		}
		same(rt, "batches", f.kafkas(path), records)
		for i := range records {
			f.checkRaw(rt, &records[i])
		}
	})
}

func same(t *rapid.T, format string, got, want []one) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Fatalf("%s\ngives %s\nnot   %s", format, g, w)
	}
}

// shownRecord is a record as JSON.
type shownRecord struct {
	Offset    int64
	Timestamp time.Time
	shownKey
	shownValue
	Headers shownHeaders
}

type shownKey struct {
	Key       *string
	KeyBase64 []byte `json:"key_base64"`
}

type shownValue struct {
	Value       json.RawMessage
	ValueText   *string `json:"value_text"`
	ValueBase64 []byte  `json:"value_base64"`
}

func (v shownValue) bytes() []byte {
	var text *string
	switch {
	case v.ValueBase64 != nil:
		return v.ValueBase64
	case v.ValueText != nil:
		return []byte(*v.ValueText)
	case string(v.Value) == "null":
		return nil
	case json.Unmarshal(v.Value, &text) == nil:
		return []byte(*text)
	}
	return v.Value // as it is
}

type shownHeaders []batch.Header

// UnmarshalJSON reads either form.
func (h *shownHeaders) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		var list []struct {
			Key string
			shownValue
		}
		err := json.Unmarshal(text, &list)
		for _, item := range list {
			*h = append(*h, batch.Header{Key: []byte(item.Key), Value: item.bytes()})
		}
		return err
	}
	tokens := json.NewDecoder(bytes.NewReader(text))
	for _, err := tokens.Token(); err == nil && tokens.More(); {
		name, _ := tokens.Token()
		value, _ := tokens.Token()
		*h = append(*h, batch.Header{Key: []byte(name.(string)), Value: []byte(value.(string))})
	}
	return nil
}

func (r *shownRecord) record() one {
	key := r.KeyBase64
	if r.Key != nil {
		key = []byte(*r.Key)
	}
	return one{r.Offset, r.Timestamp.UnixMilli(), key, r.bytes(), r.Headers}
}

func (f *fixture) document(path string) (all []one) {
	f.Helper()
	var got struct{ Records []shownRecord }
	f.get(path).want(f, 200).decode(f, &got)
	for i := range got.Records {
		all = append(all, got.Records[i].record())
	}
	return all
}

func (f *fixture) lines(path string) (all []one) {
	f.Helper()
	for line := range strings.Lines(f.get(path, "Accept", "application/x-ndjson").want(f, 200).body) {
		var r shownRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			f.Fatalf("%v in %q", err, line)
		}
		all = append(all, r.record())
	}
	return all
}

// kafkas reads batches as a client of Kafka's does.
func (f *fixture) kafkas(path string) (all []one) {
	f.Helper()
	response := kmsg.FetchResponseTopicPartition{RecordBatches: []byte(f.getBatches(path).want(f, 200).body)}
	got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "news"}, &response, kgo.DefaultDecompressor(), nil)
	if got.Err != nil {
		f.Fatal(got.Err)
	}
	for _, r := range got.Records {
		is := one{offset: r.Offset, time: r.Timestamp.UnixMilli(), key: r.Key, value: r.Value}
		for _, h := range r.Headers {
			is.headers = append(is.headers, batch.Header{Key: []byte(h.Key), Value: h.Value})
		}
		all = append(all, is)
	}
	return all
}

// checkRaw compares a record with what it is as a body and a head, which can't hold every header.
func (f *fixture) checkRaw(t *rapid.T, want *one) {
	f.Helper()
	a := f.getRaw(fmt.Sprintf("/topics/news/records?from_offset=%d", want.offset)).want(f, 200)
	got := *want
	got.value, got.key = []byte(a.body), nil
	if a.header.Get("FlashQ-Tombstone") == "true" && a.body == "" {
		got.value = nil
	}
	if keys := a.header.Values("FlashQ-Key"); keys != nil {
		got.key = []byte(keys[0])
	}
	if keys := a.header.Values("FlashQ-Key-Base64"); keys != nil {
		got.key, _ = base64.StdEncoding.DecodeString(keys[0])
	}
	at, err := time.Parse(time.RFC3339, a.header.Get("FlashQ-Timestamp"))
	if err != nil || a.header.Get("FlashQ-Offset") != fmt.Sprint(want.offset) {
		t.Fatalf("%v", a.header)
	}
	got.time = at.UnixMilli()
	same(t, "raw", []one{got}, []one{*want})
	left := len(want.headers)
	for name, values := range a.header {
		if !strings.HasPrefix(name, "Flashq-Header-") {
			continue
		}
		for _, value := range values {
			left--
			if !slices.ContainsFunc(want.headers, func(h batch.Header) bool {
				return strings.EqualFold(string(h.Key), strings.TrimPrefix(name, "Flashq-Header-")) && string(h.Value) == value
			}) {
				t.Fatalf("raw gives %s: %q, which is not in %v", name, value, want)
			}
		}
	}
	if omitted := a.header.Get("FlashQ-Headers-Omitted"); left > 0 && omitted != fmt.Sprint(left) || left == 0 && omitted != "" {
		t.Fatalf("%d headers are missing, not %q: %v", left, omitted, want)
	}
}
