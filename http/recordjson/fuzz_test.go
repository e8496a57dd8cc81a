package recordjson_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"flashq/http/recordjson"
	"flashq/segment/batch"
)

// fuzzed has small limits, so that a fuzzer meets them.
var fuzzed = recordjson.Target{
	Lenient:    true,
	Partitions: 3, Partition: -1, Sticky: 2, Now: now,
	Limits: recordjson.Limits{KeyBytes: 20, ValueBytes: 200, HeaderBytes: 20, Headers: 3, Records: 4},
}

// seeds are bodies that reach all of the decoder, as lines.
var seeds = []string{
	`{"value":"Hello"}`,
	"{\"key\":\"user123\",\"value\":\"Hello\",\"headers\":{\"source\":\"auth\"},\"partition\":0}\r\n\n {\"value\":null}\n",
	`{"value":{"a":[1,2.5e-3,true,false,null,"x\n"],"a":{}}}`,
	`{"key_base64":"AP8=","value_base64":"/+7d","key":null,"timestamp":"2025-01-15T10:30:45Z"}`,
	`{"headers":[{"key":"a","value":"x"},{"key":"a","value_base64":"AA=="},{"key":"b","value":null}],"value":1}`,
	`{"value":"\"\\\/\b\f\n\r\t\u00e4\u20ac\ud83d\ude00ä€😀","x":"\ud83d\ude00"}`,
	`{"value":"{\"dep_time\":517,\"sched_dep_time\":515,\"dep_delay\":2,\"carrier\":\"UA\",\"a\\\\\":1}"}`,
	`{"value":"a","timestamp":1736937045123,"partition":2,"x":1,"y":2,"x":3}`,
	`{"value_text":"a","offset":17,"headers":[{"key_base64":"/w==","value":null}]}`, `{"value":"a","offset":1.5}`,
	`{"value":"a"}{"value":"b"}`,
	`{"value":"\ud800"}`, "{\"value\":\"\xff\"}", `{"value":01}`, `{"value":"a",}`, `[`, `null`, ``,
	`{"value":"a","timestamp":-1}`, `{"value":"a","timestamp":"-15m"}`, `{"value":"a","partition":3}`,
	`{"value":"a","headers":{"a":"1","b":"2","c":"3","d":"4"}}`, `{"value":"a","key":"123456789012345678901"}`,
}

// FuzzDecode takes what the oracle takes, with the same records in it, and refuses what it refuses.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), true)
		f.Add(asDocument([]byte(s)), false)
	}
	f.Add([]byte(`{"x":0,"records":[{"value":1},{"value":2}],"y":[{}]}`), false)
	f.Add([]byte(`{"records":[{"value":1}],"records":[]}`), false)
	f.Add([]byte(`{"records":[1,2,3,4,5]}`), false)
	f.Fuzz(func(t *testing.T, body []byte, lines bool) {
		if bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 1000 {
			return // the depth that is allowed is our own rule
		}
		strict := fuzzed
		strict.Lenient = false
		for _, target := range []recordjson.Target{fuzzed, strict} {
			againstOracle(t, body, target, lines)
		}
	})
}

func againstOracle(t *testing.T, body []byte, target recordjson.Target, lines bool) {
	got, err := decode(t, string(body), target, lines)
	want, valid, ok := oracle{target}.records(body, lines)
	if ok != (err == nil) {
		t.Fatalf("lenient %v, lines %v, %q: %v, the oracle says %v", target.Lenient, lines, body, err, ok)
	}
	if err != nil {
		if err.Code == syntax && valid {
			t.Fatalf("lenient %v, lines %v, %q is valid JSON: %v", target.Lenient, lines, body, err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("lenient %v, lines %v, %q (-want +got):\n%s", target.Lenient, lines, body, diff)
	}
}

// FuzzRoundTrip produces one record in JSON, shows what was stored in JSON, and reads that with encoding/json.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("key"), []byte("value"), []byte("name"), []byte("content"), int64(now), byte(0))
	f.Add([]byte{}, []byte(`{"a":"b\n","c":"ä€😀"}`), []byte("\""), []byte("\xff\x00"), int64(0), byte(0x10))
	f.Add([]byte("\xed\xa0\x80"), bytes.Repeat([]byte("\x01\""), 100), []byte{}, []byte{}, int64(1), byte(0x0f))
	f.Fuzz(func(t *testing.T, key, value, name, content []byte, ms int64, flags byte) {
		want := record{Timestamp: ms & (1<<40 - 1), Key: notNil(key), Value: notNil(value)}
		if flags&1 != 0 {
			want.Key = nil
		}
		if flags&2 != 0 {
			want.Value = nil
		}
		if flags&4 == 0 && utf8.Valid(name) {
			want.Headers = []batch.Header{{Key: notNil(name), Value: notNil(content)}}
		}
		if want.Headers != nil && flags&8 != 0 {
			want.Headers = append(want.Headers, batch.Header{Key: notNil(name)})
		}
		o := recordjson.Options{Base64: flags&16 != 0}
		got, err := decode(t, produceJSON(t, want), recordjson.Target{Partitions: 1, Partition: -1, Now: now}, true)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]record{want}, got); diff != "" {
			t.Fatalf("stored (-want +got):\n%s", diff)
		}
		shown := encode(t, want, o)
		if diff := cmp.Diff(want, parseShown(t, shown)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", shown, diff)
		}
	})
}

func notNil(p []byte) []byte { return append([]byte{}, p...) }

// produceJSON writes a produce record as clients do that use encoding/json.
func produceJSON(tb testing.TB, r record) string {
	m := map[string]any{"timestamp": r.Timestamp}
	put(m, "key", r.Key)
	put(m, "value", r.Value)
	list := []map[string]any{}
	for _, h := range r.Headers {
		item := map[string]any{"key": string(h.Key)}
		put(item, "value", h.Value)
		list = append(list, item)
	}
	m["headers"] = list
	p, err := json.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return string(p)
}

func put(m map[string]any, name string, p []byte) {
	switch {
	case p == nil:
		m[name] = nil
	case utf8.Valid(p):
		m[name] = string(p)
	default:
		m[name+"_base64"] = base64.StdEncoding.EncodeToString(p)
	}
}

// parseShown reads a record as clients do that use encoding/json.
func parseShown(tb testing.TB, shown string) record {
	var m struct {
		Timestamp   string
		Key         *string
		KeyBase64   []byte `json:"key_base64"`
		Value       *string
		ValueBase64 []byte `json:"value_base64"`
		Headers     json.RawMessage
	}
	if err := json.Unmarshal([]byte(shown), &m); err != nil {
		tb.Fatalf("%s: %v", shown, err)
	}
	ms, ok := recordjson.ParseTime([]byte(m.Timestamp), 0)
	if !ok {
		tb.Fatalf("no time: %s", m.Timestamp)
	}
	r := record{Timestamp: ms, Key: pick(m.Key, m.KeyBase64), Value: pick(m.Value, m.ValueBase64)}
	var byName map[string]string
	if json.Unmarshal(m.Headers, &byName) == nil {
		for name, value := range byName {
			r.Headers = append(r.Headers, batch.Header{Key: []byte(name), Value: []byte(value)})
		}
		return r
	}
	var list []struct {
		Key         string
		Value       *string
		ValueBase64 []byte `json:"value_base64"`
	}
	if err := json.Unmarshal(m.Headers, &list); err != nil {
		tb.Fatal(err)
	}
	for _, h := range list {
		r.Headers = append(r.Headers, batch.Header{Key: []byte(h.Key), Value: pick(h.Value, h.ValueBase64)})
	}
	return r
}

func pick(plain *string, coded []byte) []byte {
	if plain != nil {
		return []byte(*plain)
	}
	return coded
}
