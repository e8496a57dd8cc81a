package recordjson_test

import (
	"encoding/json"
	"testing"

	"flashq/http/recordjson"
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
		b.Run("encode/ours/"+name, func(b *testing.B) { encodes(b, body, single, false, recordjson.Options{}) })
		b.Run("encode/std/"+name, func(b *testing.B) {
			var doc struct{ Records []stdRecord }
			if err := json.Unmarshal(body, &doc); err != nil {
				b.Fatal(err)
			}
			list := make([]stdAnswer, len(doc.Records))
			for i, r := range doc.Records {
				list[i] = stdAnswer{Offset: int64(i), Timestamp: "2025-01-15T10:30:45.123Z", Key: r.Key, Value: r.Value}
			}
			text, err := json.Marshal(list)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := json.Marshal(list); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
