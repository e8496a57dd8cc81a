package loadtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// batchesAt are two batches of two records, from an offset on.
func batchesAt(t *testing.T, base int64, compression string) string {
	t.Helper()
	var all []byte
	for range 2 {
		b, err := appendBatch(nil, []record{{Value: "a"}, {Value: "bc"}}, compression, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			b[i] = byte(base >> (56 - 8*i))
		}
		all = append(all, b...)
		base += 2
	}
	return string(all)
}

// Records are counted in each format, whether answers are looked at from outside or taken apart; what is not what was
// asked for is no answer. All is asked at partition 3, offset 5.
func TestConsumeCountsWhatAnswersHold(t *testing.T) {
	plain, packed := batchesAt(t, 5, ""), batchesAt(t, 4, "zstd")
	line := func(offset int, value string) string {
		return fmt.Sprintf(`{"partition":3,"offset":%d,%s}`, offset, value)
	}
	text, object := line(5, `"value":"a\n"`), line(6, `"value":{"next_offset":9}`)
	encoded := line(7, `"value":null,"value_base64":"AAE="`)
	whole := `{"records":[` + text + "," + object + "," + encoded + `],"next_offset":8,"high_water_mark":9,"lag":1}`
	place := http.Header{"Flashq-Partition": {"3"}, "Flashq-Offset": {"5"}}
	for _, c := range []struct {
		name, format, body string
		header             http.Header
		counted, decoded   int64 // records; negative: it is refused
	}{
		{"json", "json", whole, nil, 3, 3},
		{"json that is cut", "json", whole[:len(whole)-40], nil, -1, -1},
		{"json without records", "json", `{"records":[],"next_offset":5}`, nil, -1, -1},
		{"ndjson", "ndjson", text + "\n" + object + "\n" + encoded + "\n", nil, 3, 3},
		{"ndjson with a hole", "ndjson", text + "\n" + encoded + "\n", nil, 2, -1},
		{"ndjson without records", "ndjson", "", nil, -1, -1},
		{"raw", "raw", "a\nb", place, 1, 1},
		{"raw of another offset", "raw", "ab", http.Header{"Flashq-Partition": {"3"}, "Flashq-Offset": {"4"}}, -1, -1},
		{"raw that does not say", "raw", "ab", nil, -1, -1},
		{"batches", "batch", plain, nil, 4, 4},
		{"batches that begin before", "batch", packed, nil, 3, 3},
		{"batches that begin after", "batch", batchesAt(t, 6, ""), nil, -1, -1},
		{"batches that end before", "batch", batchesAt(t, 1, ""), nil, -1, -1},
		{"a batch that is cut", "batch", plain[:len(plain)-1], nil, -1, -1},
		{"a header that is cut", "batch", plain[:batchHeader-1], nil, -1, -1},
		{"a batch with a changed byte", "batch", plain[:len(plain)-2] + "xy", nil, 4, -1},
		{"no batch", "batch", strings.Repeat("x", 500), nil, -1, -1},
		{"no batches", "batch", "", nil, -1, -1},
	} {
		for _, decode := range []bool{false, true} {
			onBoth(t, fmt.Sprintf("%s, decoded %v", c.name, decode), func(t *testing.T, portable bool) {
				want := c.counted
				if decode {
					want = c.decoded
				}
				if got := countOnce(t, c.format, c.body, c.header, decode, portable); got != want {
					t.Errorf("%d records, not %d", got, want)
				}
			})
		}
	}
}

// countOnce has one fetch answered, in small pieces, and gives the records that were counted, or -1 for a refusal.
func countOnce(t *testing.T, format, body string, header http.Header, decode, portable bool) int64 {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		for len(body) > 0 {
			n := min(7, len(body))
			_, _ = w.Write([]byte(body[:n]))
			w.(http.Flusher).Flush()
			body = body[n:]
		}
	}))
	defer s.Close()
	address := s.Listener.Addr().String()
	source, sink := newReads(report.Load{Format: format, Decode: decode},
		[]fetch{{drive.Get(drive.Host{Name: address}, "/", mediaTypes[format]), 3, 5}}, 1)
	d, err := drive.New(t.Context(), drive.Config{Address: address, Connections: 1, Timeout: 10 * time.Second, Portable: portable,
		KeepsBodies: decode, Source: source, Sink: sink})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, err := d.Run(t.Context(), drive.NewPhase(0, 1, 0))
	if err != nil || got.OK+got.Failures() != 1 {
		t.Fatalf("%v, %+v", err, got.Tally)
	}
	if got.Failures() > 0 {
		return -1
	}
	return got.Records
}
