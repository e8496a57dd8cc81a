package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"flashq/e2e/instance"
)

// Every row of the answer formats, from the built binary over a socket.
func TestAnswerFormats(t *testing.T) {
	broker := instance.Start(t, "--storage=file", "--data-dir="+t.TempDir())
	broker.Produce(t, "news", "application/json", []byte(`{"records":[
		{"key":"u1","value":{"item": 7},"headers":{"source":"shop"},"timestamp":1000},
		{"key_base64":"/w==","value_base64":"AP8=","timestamp":2000},{"value":null,"timestamp":3000}]}`))
	const (
		ndjson = "application/x-ndjson"
		octets = "application/octet-stream"
		kafkas = "application/vnd.kafka.recordbatch.v2"
		first  = `{"partition":0,"offset":0,"timestamp":"1970-01-01T00:00:01.000Z","key":"u1","value":`
		tail   = `,"next_offset":1,"high_water_mark":3,"lag":2,"position":"0:1",` +
			`"partitions":[{"partition":0,"next_offset":1,"high_water_mark":3,"earliest":0,"gap":0}]}` + "\n"
	)
	for _, row := range []struct {
		accept, query string
		status        int
		headers       []string // name: value
		body          string
	}{
		{"", "max_records=1", 200, []string{"Content-Type: application/json"},
			`{"records":[` + first + `"{\"item\": 7}","headers":{"source":"shop"}}]` + tail},
		{"application/json", "max_records=1&encoding=base64", 200, nil, `{"records":[` +
			`{"partition":0,"offset":0,"timestamp":"1970-01-01T00:00:01.000Z","key_base64":"dTE=","value_base64":"eyJpdGVtIjogN30=",` +
			`"headers":[{"key":"source","value_base64":"c2hvcA=="}]}]` + tail},
		{"application/json", "max_records=1&encoding=json&include_headers=false", 200, nil,
			`{"records":[` + first + `{"item": 7},"headers":null}]` + tail},
		{ndjson, "max_records=1", 200, []string{"Content-Type: " + ndjson, "FlashQ-Position: 0:1"},
			first + `"{\"item\": 7}","headers":{"source":"shop"}}` + "\n"},
		{"application/jsonl", "max_records=1&encoding=json", 200, []string{"Content-Type: application/jsonl"},
			first + `{"item": 7},"headers":{"source":"shop"}}` + "\n"},
		{ndjson, "from_offset=5", 200, []string{"FlashQ-Position: 0:5", "FlashQ-Beyond: 0:2"}, ""},
		{octets, "", 200, []string{"Content-Type: " + octets, "FlashQ-Partition: 0", "FlashQ-Offset: 0",
			"FlashQ-Timestamp: 1970-01-01T00:00:01.000Z", "FlashQ-Key: u1", "FlashQ-Header-source: shop", "FlashQ-Position: 0:1"},
			`{"item": 7}`},
		{octets, "position=0:1", 200, []string{"FlashQ-Key-Base64: /w==", "FlashQ-Position: 0:2"}, "\x00\xff"},
		{octets, "position=0:2", 200, []string{"FlashQ-Tombstone: true", "FlashQ-Position: 0:3"}, ""},
		{octets, "position=0:3", 204, []string{"FlashQ-Position: 0:3"}, ""},
		{kafkas, "position=0:3", 200, []string{"Content-Type: " + kafkas, "FlashQ-Position: 0:3"}, ""},
		{"text/plain", "", 406, nil, ""},
		{octets, "max_records=2", 400, nil, ""},
		{kafkas, "partition=0,0&encoding=json", 400, nil, ""},
	} {
		a := getAs(t, broker, "news", row.query, row.accept)
		if a.Status != row.status || row.status < 300 && string(a.Body) != row.body {
			t.Errorf("%s?%s: %d %q\nwant %d %q", row.accept, row.query, a.Status, a.Body, row.status, row.body)
		}
		for _, h := range row.headers {
			if name, value, _ := strings.Cut(h, ": "); a.Header.Get(name) != value {
				t.Errorf("%s?%s: %s is %q, not %q", row.accept, row.query, name, a.Header.Get(name), value)
			}
		}
	}
	whole := getAs(t, broker, "news", "from_offset=1", kafkas)
	if whole.Header.Get("FlashQ-Position") != "0:3" || !strings.Contains(string(whole.Body), `{"item": 7}`) {
		t.Errorf("batches: %v %q", whole.Header, whole.Body)
	}
}

// getAs fetches records in a format.
func getAs(t *testing.T, broker *instance.Instance, topic, query, accept string) instance.Answer {
	t.Helper()
	req, err := http.NewRequest("GET", "http://"+broker.Addr+"/topics/"+topic+"/records?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return instance.Answer{Status: res.StatusCode, Header: res.Header, Body: text}
}
