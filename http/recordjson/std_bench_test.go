package recordjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
	"unsafe"

	"flashq/http/recordjson"
	"flashq/segment/batch"
)

// The yardstick of both ways: encoding/json over the same bodies and answers.

type stdRecord struct {
	Key   *string `json:"key"`
	Value string  `json:"value"`
}

type stdAnswer struct {
	Partition int     `json:"partition"`
	Offset    int64   `json:"offset"`
	Timestamp string  `json:"timestamp"`
	Key       *string `json:"key"`
	Value     string  `json:"value"`
	Headers   *string `json:"headers"`
}

func stdBodies() map[string][]byte {
	return map[string][]byte{
		"plain 1000x1000B": plainBody(1000, 1000), "plain 1000x100B": plainBody(1000, 100),
		"escaped 1000x1000B": escapedBody(1000, 1000),
	}
}

func BenchmarkBeside(b *testing.B) {
	single := recordjson.Target{Partitions: 1, Partition: -1, Now: now}
	for name, body := range stdBodies() {
		b.Run("decode/ours/"+name, func(b *testing.B) { decodes(b, body, single, false) })
		b.Run("decode/std/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				var doc struct{ Records []stdRecord }
				if err := json.Unmarshal(body, &doc); err != nil {
					b.Fatal(err)
				}
			}
		})
		besideEncode(b, name, body, single)
	}
	besideEncode(b, "own times 1000x100B", timedBody(1000, 100), single)
}

// besideEncode measures both over the same stored batch. std is json.Marshal, whose answer is new memory each time; std
// buffer is what a server would rather use, an encoder into a buffer that is kept, as ours is.
func besideEncode(b *testing.B, name string, body []byte, t recordjson.Target) {
	b.Run("encode/ours/"+name, func(b *testing.B) { encodes(b, body, t, false, recordjson.Options{}) })
	b.Run("encode/std/"+name, func(b *testing.B) {
		stdEncodes(b, body, t, func(list []stdAnswer) (int, error) {
			text, err := json.Marshal(list)
			return len(text), err
		})
	})
	b.Run("encode/std buffer/"+name, func(b *testing.B) {
		var buf bytes.Buffer
		e := json.NewEncoder(&buf)
		stdEncodes(b, body, t, func(list []stdAnswer) (int, error) {
			buf.Reset()
			err := e.Encode(list)
			return buf.Len(), err
		})
	})
}

func stdEncodes(b *testing.B, body []byte, t recordjson.Target, encode func([]stdAnswer) (int, error)) {
	var d recordjson.Decoder
	req, err := d.JSON(body, t)
	if err != nil {
		b.Fatal(err)
	}
	stored := req.Parts[0].Batch
	list := appendStd(nil, stored)
	size, err := encode(list)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		list = appendStd(list[:0], stored)
		if _, err := encode(list); err != nil {
			b.Fatal(err)
		}
	}
}

// appendStd does for encoding/json what our encoder does, too, and nothing beyond: it walks the stored batch, and makes
// a time's text once for neighbours of the same time. A program would also copy each value into a string; this one
// points into the batch, so that a copy which ours has no need of is not held against encoding/json.
func appendStd(list []stdAnswer, p batch.Batch) []stdAnswer {
	base, last, text := p.BaseTimestamp(), int64(-1), ""
	for it := p.Records(); it.Next(); {
		r := &it.Record
		if ms := base + r.TimestampDelta; ms != last {
			last, text = ms, time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
		}
		list = append(list, stdAnswer{
			Offset: int64(r.OffsetDelta), Timestamp: text, Value: unsafe.String(unsafe.SliceData(r.Value), len(r.Value)),
		})
	}
	return list
}

// timedBody is plainBody with a time for each record, so that no text of a time serves twice.
func timedBody(records, size int) []byte {
	var lines bytes.Buffer
	value := bytes.Repeat([]byte("abcdefghijklmnop"), size/16)
	for i := range records {
		fmt.Fprintf(&lines, `{"timestamp":%d,"value":"%s"}`+"\n", now-records+i, value)
	}
	return asDocument(lines.Bytes())
}
