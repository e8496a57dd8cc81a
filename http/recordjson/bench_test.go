package recordjson_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"flashq/http/recordjson"
	"flashq/segment/batch"
)

// flights are real records, one a line: values that are JSON in a JSON string.
func flights(tb testing.TB) []byte {
	tb.Helper()
	f, err := os.Open("../../testdata/flights-2013-01.ndjson.gz")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// flightLines are the first n flights.
func flightLines(tb testing.TB, n int) []byte {
	p := flights(tb)
	end := 0
	for range n {
		end += bytes.IndexByte(p[end:], '\n') + 1
	}
	return p[:end]
}

// asDocument makes lines of records a JSON body.
func asDocument(lines []byte) []byte {
	joined := bytes.ReplaceAll(bytes.TrimSpace(lines), []byte("\n"), []byte(","))
	return append(append([]byte(`{"records":[`), joined...), "]}"...)
}

func plainBody(records, size int) []byte {
	one := `{"value":"` + strings.Repeat("abcdefghijklmnop", size/16) + "\"}\n"
	return asDocument([]byte(strings.Repeat(one, records)))
}

func BenchmarkDecode(b *testing.B) {
	keyed := recordjson.Target{Partitions: 4, Partition: -1, Now: now}
	single := recordjson.Target{Partitions: 1, Partition: -1, Now: now}
	thousand := flightLines(b, 1000)
	small := []byte(`{"records":[{"key":"user123","value":"` + strings.Repeat("x", 48) + `"}]}`)
	const sentence = `{"value":"Größe und Länge, 大きさ, naïve façade: ein ganz gewöhnlicher Satz."}` + "\n"
	text := asDocument([]byte(strings.Repeat(sentence, 500)))
	raw := bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll(thousand, []byte(`\"`), []byte(`"`)),
		[]byte(`"{`), []byte("{")), []byte(`}"`), []byte("}"))
	b.Run("plain 100x1KiB", func(b *testing.B) { decodes(b, plainBody(100, 1024), single, false) })
	b.Run("plain 1000x1000B", func(b *testing.B) { decodes(b, plainBody(1000, 1000), single, false) })
	b.Run("flights ndjson 1000", func(b *testing.B) { decodes(b, thousand, keyed, true) })
	b.Run("flights json 1000", func(b *testing.B) { decodes(b, asDocument(thousand), keyed, false) })
	b.Run("flights raw 1000", func(b *testing.B) { decodes(b, raw, keyed, true) })
	b.Run("flights all", func(b *testing.B) { decodes(b, flights(b), keyed, true) })
	b.Run("escaped 1000x1000B", func(b *testing.B) { decodes(b, escapedBody(1000, 1000), single, false) })
	b.Run("not ASCII", func(b *testing.B) { decodes(b, text, single, false) })
	b.Run("single 100B", func(b *testing.B) { decodes(b, small, single, false) })
}

func decodes(b *testing.B, body []byte, t recordjson.Target, lines bool) {
	var d recordjson.Decoder
	decode := d.JSON
	if lines {
		decode = d.NDJSON
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(body, t); err != nil {
			b.Fatal(err)
		}
		d.Release(nil)
	}
}

func BenchmarkEncode(b *testing.B) {
	single := recordjson.Target{Partitions: 1, Partition: -1, Now: now}
	plain := recordjson.Options{}
	b.Run("plain 100x1KiB", func(b *testing.B) { encodes(b, plainBody(100, 1024), single, false, plain) })
	b.Run("flights 1000", func(b *testing.B) { encodes(b, flightLines(b, 1000), single, true, plain) })
	b.Run("escaped 1000x1000B", func(b *testing.B) { encodes(b, escapedBody(1000, 1000), single, false, plain) })
	b.Run("flights 1000 base64", func(b *testing.B) {
		encodes(b, flightLines(b, 1000), single, true, recordjson.Options{Base64: true})
	})
}

// encodes measures in bytes of JSON written.
func encodes(b *testing.B, body []byte, t recordjson.Target, lines bool, o recordjson.Options) {
	var d recordjson.Decoder
	decode := d.JSON
	if lines {
		decode = d.NDJSON
	}
	req, err := decode(body, t)
	if err != nil {
		b.Fatal(err)
	}
	out := appendAll(nil, req.Parts[0].Batch, o)
	b.SetBytes(int64(len(out)))
	b.ReportAllocs()
	for b.Loop() {
		out = appendAll(out[:0], req.Parts[0].Batch, o)
	}
}

func appendAll(dst []byte, p batch.Batch, o recordjson.Options) []byte {
	w, base := recordjson.Writer{Options: o}, p.BaseTimestamp()
	for it := p.Records(); it.Next(); {
		dst = w.Append(dst, 0, int64(it.Record.OffsetDelta), base+it.Record.TimestampDelta, &it.Record)
	}
	return dst
}

func BenchmarkParseTime(b *testing.B) {
	for _, s := range []string{"2025-01-15T10:30:45Z", "2025-01-15T10:30:45.123+01:00", "1736937045123", "-15m"} {
		p := []byte(s)
		b.Run(s, func(b *testing.B) {
			for b.Loop() {
				recordjson.ParseTime(p, now)
			}
		})
	}
}

func BenchmarkAppendTime(b *testing.B) {
	buf := make([]byte, 0, 32)
	for b.Loop() {
		buf = recordjson.AppendTime(buf[:0], now)
	}
}

// escapedBody has values that are JSON text themselves, about size bytes each when unescaped.
func escapedBody(records, size int) []byte {
	const pair = `\"carrier\":\"UA\",\"distance\":1400,`
	value := strings.Repeat(pair, size/(len(pair)-4))
	record := `{"value":"{` + value + `}"}`
	return []byte(`{"records":[` + strings.Repeat(record+",", records-1) + record + `]}`)
}
