package recordjson_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flashq/http/recordjson"
	"flashq/segment/batch"
)

// encode puts one record in a batch and shows it as partition 2, offset 14, at its own time.
func encode(tb testing.TB, r record, o recordjson.Options) string {
	tb.Helper()
	var b batch.Builder
	b.Add(r.Timestamp, r.Key, r.Value, r.Headers...)
	it := b.Finish().Records()
	if !it.Next() {
		tb.Fatal(it.Err())
	}
	return string((&recordjson.Writer{Options: o}).Append(nil, 2, 14, r.Timestamp, &it.Record))
}

func TestAppendRecord(t *testing.T) {
	const head = `{"partition":2,"offset":14,"timestamp":"2025-01-15T10:30:45.123Z",`
	many := make([]batch.Header, 0, 40)
	shown := make([]string, 0, 40)
	for i := range 40 {
		name := strings.Repeat("n", i+1)
		many = append(many, batch.Header{Key: []byte(name), Value: []byte{}})
		shown = append(shown, `"`+name+`":""`)
	}
	asBase64 := recordjson.Options{Base64: true}
	for _, c := range []struct {
		name    string
		record  record
		options recordjson.Options
		want    string
	}{
		{"everything", record{Key: []byte("u1"), Value: []byte("Hello"), Headers: headers("a", "b", "c", "")},
			recordjson.Options{}, `"key":"u1","value":"Hello","headers":{"a":"b","c":""}}`},
		{"nulls", record{}, recordjson.Options{}, `"key":null,"value":null,"headers":null}`},
		{"empty is not null", record{Key: []byte{}, Value: []byte{}}, recordjson.Options{},
			`"key":"","value":"","headers":null}`},
		{"no headers wanted", record{Value: []byte("a"), Headers: headers("a", "b")}, recordjson.Options{NoHeaders: true},
			`"key":null,"value":"a","headers":null}`},
		{"no more escapes than JSON wants", record{Value: []byte("\"\\\b\f\n\r\t\x00\x1f/<>&'\x7f\u2028\u00e4\U0001f600")},
			recordjson.Options{},
			`"key":null,"value":"\"\\\b\f\n\r\t\u0000\u001f/<>&'` + "\x7f\u2028\u00e4\U0001f600" + `","headers":null}`},
		{"key that is no text", record{Key: []byte("\xff\x00"), Value: []byte("a")}, recordjson.Options{},
			`"key_base64":"/wA=","value":"a","headers":null}`},
		{"value that is no text", record{Key: []byte("a"), Value: []byte("\"long enough to be written before the fault\xc3")},
			recordjson.Options{},
			`"key":"a","value_base64":"ImxvbmcgZW5vdWdoIHRvIGJlIHdyaXR0ZW4gYmVmb3JlIHRoZSBmYXVsdMM=","headers":null}`},
		{"no text long before its end", record{Key: []byte("\"\xff" + strings.Repeat("a", 178))}, recordjson.Options{},
			`"key_base64":"Iv9h` + strings.Repeat("YWFh", 59) + `","value":null,"headers":null}`},
		{"half a surrogate pair", record{Value: []byte("\xed\xa0\xbd")}, recordjson.Options{},
			`"key":null,"value_base64":"7aC9","headers":null}`},
		{"repeated header", record{Headers: headers("a", "x", "b", "y", "a", "z")}, recordjson.Options{},
			`"key":null,"value":null,"headers":[{"key":"a","value":"x"},{"key":"b","value":"y"},{"key":"a","value":"z"}]}`},
		{"null header", record{Headers: []batch.Header{{Key: []byte("a"), Value: []byte("x")}, {Key: []byte("b")}}},
			recordjson.Options{}, `"key":null,"value":null,"headers":[{"key":"a","value":"x"},{"key":"b","value":null}]}`},
		{"header that is no text", record{Headers: headers("a", "x", "b", "\xff")}, recordjson.Options{},
			`"key":null,"value":null,"headers":[{"key":"a","value":"x"},{"key":"b","value_base64":"/w=="}]}`},
		{"header name that is no text", record{Headers: headers("a\xff\"", "x")}, recordjson.Options{},
			`"key":null,"value":null,"headers":[{"key_base64":"Yf8i","value":"x"}]}`},
		{"many headers", record{Headers: many}, recordjson.Options{},
			`"key":null,"value":null,"headers":{` + strings.Join(shown, ",") + `}}`},
		{"comma at the end", record{Headers: headers("a,", ",")}, recordjson.Options{},
			`"key":null,"value":null,"headers":{"a,":","}}`},
		{"base64", record{Key: []byte("u1"), Value: []byte("Hello"), Headers: headers("a", "b")}, asBase64,
			`"key_base64":"dTE=","value_base64":"SGVsbG8=","headers":[{"key":"a","value_base64":"Yg=="}]}`},
		{"base64 of nulls", record{Headers: []batch.Header{{Key: []byte("a")}}}, asBase64,
			`"key":null,"value":null,"headers":[{"key":"a","value":null}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.record.Timestamp = now
			if got := encode(t, c.record, c.options); got != head+c.want {
				t.Errorf("got  %s\nwant %s", got, head+c.want)
			}
		})
	}
}

func TestAppendRecordNumbers(t *testing.T) {
	var b batch.Builder
	b.Add(0, nil, nil)
	it := b.Finish().Records()
	it.Next()
	got := string(new(recordjson.Writer).Append([]byte("[1,"), 4999, 1<<63-1, -62135596800000, &it.Record))
	const want = `[1,{"partition":4999,"offset":9223372036854775807,"timestamp":"0001-01-01T00:00:00.000Z",` +
		`"key":null,"value":null,"headers":null}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAppendRecordDoesNotAllocate(t *testing.T) {
	var d recordjson.Decoder
	defer d.Release(nil)
	req, err := d.NDJSON(flightLines(t, 100), recordjson.Target{Partitions: 1, Partition: -1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 1<<20)
	for _, o := range []recordjson.Options{{}, {Base64: true}} {
		allocs := testing.AllocsPerRun(20, func() { dst = appendAll(dst[:0], req.Parts[0].Batch, o) })
		if allocs >= 1 {
			t.Errorf("%+v: %v allocations per 100 records", o, allocs)
		}
	}
}

// TestAWriterTellsTimesApart also where one is as long as a time can be.
func TestAWriterTellsTimesApart(t *testing.T) {
	var d recordjson.Decoder
	defer d.Release(nil)
	req, err := d.NDJSON([]byte(`{"value":"x"}`), recordjson.Target{Partitions: 1, Partition: -1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	it := req.Parts[0].Batch.Records()
	it.Next()
	var w recordjson.Writer
	for _, ms := range []int64{0, 0, 1, now, now, -1 << 63, 1<<63 - 1, 0} {
		want := `"timestamp":"` + string(recordjson.AppendTime(nil, ms)) + `"`
		if got := string(w.Append(nil, 0, 0, ms, &it.Record)); !strings.Contains(got, want) {
			t.Errorf("%d: %s has no %s", ms, got, want)
		}
	}
}

// TestAWriterCounts over every carry, in both signs, at the last offset, over gaps, back, and from partition to
// partition.
func TestAWriterCounts(t *testing.T) {
	var b batch.Builder
	b.Add(0, nil, nil)
	it := b.Finish().Records()
	it.Next()
	var w recordjson.Writer
	check := func(partition int, offset int64) {
		t.Helper()
		want := fmt.Sprintf(`{"partition":%d,"offset":%d,"timestamp":"1970-01-01T00:00:00.000Z",`, partition, offset)
		if got := string(w.Append(nil, partition, offset, 0, &it.Record)); !strings.HasPrefix(got, want) {
			t.Fatalf("%s does not begin with %s", got, want)
		}
	}
	for _, from := range []int64{0, 95, 999_990, -12, 1<<63 - 20, 1, 0, 7} {
		for i := range int64(30) {
			check(0, from+i) // beyond the last offset comes the least
		}
	}
	for _, gap := range []int64{2, 3, 9, 10, -1, -2} {
		for i := range int64(30) {
			check(0, 500+i*gap)
		}
	}
	for i := range int64(30) {
		check(int(i%3), i)
		check(int(i/3), i+1)
		check(math.MinInt, math.MinInt64+i)
	}
}

// TestAppendString against encoding/json, which must read back what went in.
func TestAppendString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) })
		want := rapid.OneOf(text, rapid.SliceOf(rapid.Byte())).Draw(t, "s")
		var got string
		if err := json.Unmarshal(recordjson.AppendString(nil, want), &got); err != nil {
			t.Fatal(err)
		}
		if got != strings.ToValidUTF8(string(want), "\ufffd") {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

// piece is a bit of a JSON string and what it means.
type piece struct{ json, means string }

var pieces = []piece{
	{`\"`, `"`}, {`\\`, `\`}, {`\/`, `/`}, {`\n`, "\n"}, {`\t`, "\t"}, {`\b`, "\b"}, {`\f`, "\f"}, {`\r`, "\r"},
	{`\u0041`, "A"}, {`\u0000`, "\x00"}, {`\u007f`, "\u007f"}, {`\u0080`, "\u0080"}, {`\u00e4`, "ä"},
	{`\u07FF`, "\u07ff"},
	{`\u0800`, "\u0800"}, {`\u20AC`, "€"}, {`\ud7ff`, "\ud7ff"}, {`\ue000`, "\ue000"}, {`\uffff`, "\uffff"},
	{`\ud800\udc00`, "\U00010000"}, {`\ud83d\ude00`, "😀"}, {`\udbff\udfff`, "\U0010ffff"},
	{"ä", "ä"}, {"€", "€"}, {"😀", "😀"},
	{"\u2028", "\u2028"}, {`\\\"`, `\"`}, {`\\\\\\`, `\\\`}, {`\\u0041`, `\u0041`}, {"/", "/"}, {"\x7f", "\x7f"},
}

// TestTextAtEveryBorder moves each piece, once and twice, over the borders of the blocks that strings are read in.
func TestTextAtEveryBorder(t *testing.T) {
	for shift := range 140 {
		run := strings.Repeat("0123456789", 14)[:shift]
		for _, p := range pieces {
			source, want := `\n`+run+p.json+p.json+`ä`+run+p.json, "\n"+run+p.means+p.means+"ä"+run+p.means
			got, err := decode(t, `{"value":"`+source+`"}`, recordjson.Target{Partitions: 1, Partition: -1}, true)
			if err != nil || string(got[0].Value) != want {
				t.Fatalf("%s means %q: %v, %+v", source, want, err, got)
			}
			var back string
			if err := json.Unmarshal(recordjson.AppendString(nil, got[0].Value), &back); err != nil || back != want {
				t.Fatalf("%q is shown as %q, %v", want, back, err)
			}
		}
	}
}

// TestTextOfAnyShape mixes plain runs and escapes of every kind: what is decoded is what was meant, and shown again it
// is still the same.
func TestTextOfAnyShape(t *testing.T) {
	fixed := rapid.SampledFrom(pieces)
	run := rapid.Map(rapid.IntRange(0, 140), func(n int) piece {
		s := strings.Repeat("0123456789abcdef", 9)[:n]
		return piece{s, s}
	})
	short := rapid.Map(rapid.IntRange(0, 9), func(n int) piece { return piece{"abcdefghi"[:n], "abcdefghi"[:n]} })
	rapid.Check(t, func(rt *rapid.T) {
		var source, means strings.Builder
		for _, p := range rapid.SliceOfN(rapid.OneOf(fixed, short, run), 0, 60).Draw(rt, "pieces") {
			source.WriteString(p.json)
			means.WriteString(p.means)
		}
		s, want := source.String(), means.String()
		line := `{"value":"` + s + `","key":"` + s + `","headers":{"` + s + `":"` + s + `"}}`
		got, err := decode(t, line+"\n"+line, recordjson.Target{Partitions: 1, Partition: -1, Now: now}, true)
		if err != nil {
			rt.Fatal(err)
		}
		for _, r := range got {
			h := r.Headers[0]
			if string(r.Value) != want || string(r.Key) != want || string(h.Key) != want || string(h.Value) != want {
				rt.Fatalf("%s\nmeans %q\nvalue %q\nkey   %q\nheader %q %q", s, want, r.Value, r.Key, h.Key, h.Value)
			}
		}
		var back struct{ Key, Value string }
		if err := json.Unmarshal([]byte(encode(t, got[0], recordjson.Options{})), &back); err != nil {
			rt.Fatal(err)
		}
		if back.Value != want || back.Key != want {
			rt.Fatalf("shown as %q", back.Value)
		}
	})
}
