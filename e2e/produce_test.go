package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flashq/e2e/instance"
)

// kafkas is a batch that Kafka's Java client wrote: one record at 2025-01-15T10:30:45.123Z, without a key, "hello".
func kafkas(t *testing.T) []byte {
	t.Helper()
	b, err := hex.DecodeString("00000000000000000000003dffffffff027a08f2ba000000000000000001946983fc83000001946983fc83ffffffff" +
		"ffffffffffffffffffff0000000116000000010a68656c6c6f00")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// changed is a batch with other bytes at a place, and a CRC that holds.
func changed(b []byte, at int, bytesThere ...byte) []byte {
	b = slices.Clone(b)
	copy(b[at:], bytesThere)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func gzipped(t *testing.T, p []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(p)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// row is one request to produce; each goes to a topic of its own with two partitions.
type row struct {
	name, query, contentType string
	headers                  []string // name, value pairs
	body                     []byte
	status                   int
	answer                   string // a pattern
	stored                   string // a pattern of the topic as NDJSON, "" is nothing
}

const (
	asJSON, asLines  = "application/json", "application/x-ndjson"
	asText, asBytes  = "text/plain", "application/octet-stream"
	asBatches        = "application/vnd.kafka.recordbatch.v2"
	oneAnswer        = `^{"offset":0,"timestamp":"20[^"]*Z","count":1,"partitions":\[{"partition":[01],"base_offset":0,"last_offset":0}\]}$`
	timeOfKafkas     = `"timestamp":"2025-01-15T10:30:45.123Z"`
	helloAsItIs      = `"key":null,"value":"hello","headers":null}\n$`
	refusedParameter = `"error":"invalid_parameter"`
)

// Each row of what docs/api.md says of producing, over a socket.
func TestProduceTables(t *testing.T) {
	batch := kafkas(t)
	hello := []byte("hello")
	numbered := changed(batch, 43, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0)
	rows := []row{
		{"JSON", "", asJSON, nil, []byte(`{"records":[{"value":"hello"}]}`), 200, oneAnswer, helloAsItIs},
		{"NDJSON", "?partition=1", asLines, nil, []byte("\r\n{\"value\":1}\r\n{\"value\":2,\"partition\":0}"), 200, `"count":2`,
			`"value":"[12]",(.|\n)*"value":"[12]"`},
		{"JSON lines", "", "application/jsonl", nil, []byte(`{"value":"hello"}`), 200, oneAnswer, helloAsItIs},
		{"two on a line", "", asLines, nil, []byte(`{"value":1}{"value":2}`), 400, "--data-binary", ""},
		{"text", "", asText, nil, hello, 200, oneAnswer, helloAsItIs},
		{"text of a charset", "", asText + "; charset=utf-16", nil, hello, 415, `"error":"unsupported_media_type"`, ""},
		{"bytes", "", asBytes, nil, []byte{0, 0xff}, 200, oneAnswer, `"key":null,"value_base64":"AP8="`},
		{"an empty body", "", asText, nil, nil, 200, oneAnswer, `"key":null,"value":"",`},
		{"record headers", "", asText, []string{"FlashQ-Header-Source", "shop", "FlashQ-Header-N", "1", "FlashQ-Header-N", "2"}, hello,
			200, oneAnswer, `"headers":\[{"key":"n","value":"1"},{"key":"n","value":"2"},{"key":"source","value":"shop"}\]`},
		{"record headers beside JSON", "", asJSON, []string{"FlashQ-Header-A", "1"}, []byte(`{"records":[{"value":1}]}`), 400,
			"is for raw bodies", ""},
		{"partition", "?partition=1", asText, nil, hello, 200, `"partition":1,`, helloAsItIs},
		{"no such partition", "?partition=2", asText, nil, hello, 404, `"error":"partition_not_found"`, ""},
		{"key", "?key=a%20b", asText, nil, hello, 200, oneAnswer, `"key":"a b","value":"hello"`},
		{"key_base64", "?key_base64=AP8%3D", asText, nil, hello, 200, oneAnswer, `"key_base64":"AP8=","value":"hello"`},
		{"timestamp", "?timestamp=2026-01-15", asText, nil, hello, 200, `"timestamp":"2026-01-15T00:00:00.000Z"`, helloAsItIs},
		{"key beside JSON", "?key=a", asJSON, nil, []byte(`{"records":[{"value":1}]}`), 400, refusedParameter, ""},
		{"key_base64 beside lines", "?key_base64=AAAA", asLines, nil, []byte(`{"value":1}`), 400, refusedParameter, ""},
		{"timestamp beside batches", "?partition=0&timestamp=-5m", asBatches, nil, batch, 400, refusedParameter, ""},
		{"sync", "?sync=true", asText, nil, hello, 200, oneAnswer, helloAsItIs},
		{"return", "?return=offsets&partition=0", asText, nil, hello, 200, `"offsets":\[{"partition":0,"offset":0}\]}$`, helloAsItIs},
		{"a long key", "?key=" + strings.Repeat("k", 1025), asText, nil, hello, 400, `"actual_size":1025,"field":"key","index":0,"max_size":1024`, ""},
		{"batches", "?partition=1", asBatches, nil, slices.Concat(batch, batch), 200,
			`^{"offset":1,` + timeOfKafkas + `,"count":2,"partitions":\[{"partition":1,"base_offset":0,"last_offset":1}\]}$`,
			timeOfKafkas + `,"key":null,"value":"hello"`},
		{"compressed batches", "?partition=0", asBatches, nil,
			func() []byte {
				b := append(slices.Clone(batch[:61]), gzipped(t, batch[61:])...)
				binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
				return changed(b, 22, 1)
			}(), 200, oneAnswer, timeOfKafkas + `,"key":null,"value":"hello"`},
		{"batches for no partition", "", asBatches, nil, batch, 400, "'partition' is missing", ""},
		{"a corrupt batch", "?partition=0", asBatches, nil, append(slices.Clone(batch), batch[:60]...), 422,
			`"error":"corrupt_batch".*"index":1`, ""},
		{"a control batch", "?partition=0", asBatches, nil, changed(batch, 22, 0x20), 422, `"error":"not_supported".*control`, ""},
		{"a transaction", "?partition=0", asBatches, nil, changed(batch, 22, 0x10), 422, `"error":"not_supported".*transaction`, ""},
		{"a producer's batch, and a key", "?partition=0", asBatches, []string{"Idempotency-Key", "k"}, numbered, 400, "producer id", ""},
		{"an engine's producer", "?partition=0", asBatches, nil, changed(numbered, 43, 0x40), 422, "bit 62", ""},
		{"gzip", "", asText, []string{"Content-Encoding", "gzip"}, gzipped(t, hello), 200, oneAnswer, helloAsItIs},
		{"another coding", "", asText, []string{"Content-Encoding", "br"}, hello, 415, "gzip, zstd", ""},
		{"no type", "", "", nil, hello, 415, "Content-Type is missing", ""},
		{"curl's type", "", "application/x-www-form-urlencoded", nil, hello, 415, "-H 'Content-Type: application/json', or text/plain", ""},
		{"a foreign page's text", "", asText, []string{"Origin", "http://evil.example"}, hello, 403, `"error":"origin_not_allowed"`, ""},
		{"a key that is none", "", asText, []string{"Idempotency-Key", strings.Repeat("k", 129)}, hello, 400, `"error":"validation_error"`, ""},
	}
	broker := instance.Start(t, "--default-partitions=2")
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) { r.check(t, broker, fmt.Sprint("/topics/t", i, "/records")) })
	}
	broker.Stop(t)
}

func (r *row) check(t *testing.T, broker *instance.Instance, path string) {
	status, body, _ := ask(t, broker, "POST", path+r.query, r.contentType, r.body, r.headers...)
	if status != r.status || !regexp.MustCompile(r.answer).MatchString(strings.TrimSpace(body)) {
		t.Errorf("%d %s", status, body)
	}
	status, body, _ = ask(t, broker, "GET", path, "", nil, "Accept", asLines)
	switch {
	case r.stored == "" && status != http.StatusNotFound:
		t.Errorf("stored, or a topic was made: %d %s", status, body)
	case r.stored != "" && !regexp.MustCompile(r.stored).MatchString(body):
		t.Errorf("stored %s", body)
	}
}

// A producer's batches and keyed requests of every format are stored once, before and after kill -9.
func TestRepeatedProduceOverAKill(t *testing.T) {
	batch := kafkas(t)
	numbered := func(sequence byte) []byte { return changed(batch, 43, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, sequence) }
	dir := t.TempDir()
	broker := instance.Start(t, "--storage=file", "--data-dir="+dir)
	rows := []row{
		{"JSON", "", asJSON, []string{"Idempotency-Key", "1"}, []byte(`{"records":[{"key":"a","value":1},{"value":2}]}`), 0, "", ""},
		{"NDJSON", "", asLines, []string{"Idempotency-Key", "2"}, []byte(`{"value":3}`), 0, "", ""},
		{"text", "?key=a", asText, []string{"Idempotency-Key", "3"}, []byte("4"), 0, "", ""},
		{"batches", "?partition=0", asBatches, []string{"Idempotency-Key", "4"}, slices.Concat(batch, batch), 0, "", ""},
		{"a producer's batch", "?partition=0", asBatches, nil, numbered(0), 0, "", ""},
		{"its next one", "?partition=0", asBatches, nil, numbered(1), 0, "", ""},
	}
	first := map[string]string{}
	for round := range 3 {
		for _, r := range rows {
			status, body, head := ask(t, broker, "POST", "/topics/t/records"+r.query, r.contentType, r.body, r.headers...)
			if round == 0 {
				first[r.name] = body
			}
			replayed := round > 0 && r.headers != nil
			if status != 200 || body != first[r.name] || (head.Get("Idempotency-Replayed") == "true") != replayed {
				t.Errorf("round %d, %s: %d %s %v, at first %s", round, r.name, status, body, head, first[r.name])
			}
		}
		if round == 1 {
			broker.Kill()
			broker = instance.Start(t, "--storage=file", "--data-dir="+dir)
		}
	}
	status, body, _ := ask(t, broker, "POST", "/topics/t/records", asJSON, []byte(`{"records":[{"value":"x"}]}`), "Idempotency-Key", "1")
	if status != 422 || !strings.Contains(body, "idempotency_key_reused") {
		t.Errorf("%d %s", status, body)
	}
	status, body, _ = ask(t, broker, "POST", "/topics/t/records?partition=0", asBatches, numbered(7))
	if status != 409 || !strings.Contains(body, "out_of_order_sequence") {
		t.Errorf("%d %s", status, body)
	}
	if _, body, _ = ask(t, broker, "GET", "/topics/t/records", "", nil, "Accept", asLines); strings.Count(body, "\n") != 8 {
		t.Errorf("stored %s", body)
	}
	broker.Stop(t)
}

// ask sends one request; headers are name, value pairs.
func ask(t *testing.T, broker *instance.Instance, method, path, contentType string, body []byte, headers ...string) (
	status int, text string, head http.Header,
) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+broker.Addr+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(all), res.Header
}
