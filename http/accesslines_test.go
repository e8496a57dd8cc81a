package http

import (
	"bytes"
	"encoding/json"
	"log/slog"
	nethttp "net/http"
	"strings"
	"sync"
	"testing"
)

// logText is where a log's lines go; safe for use by many goroutines.
type logText struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *logText) text() string {
	l.Lock()
	defer l.Unlock()
	return l.String()
}

// A line of the access log is found by the id that the client saw, its own or the broker's, and holds nothing of a
// query.
func TestAccessLine(t *testing.T) {
	var log logText
	f := start(t, Config{AccessLog: slog.New(slog.NewJSONHandler(&log, nil))})
	ids := map[string]bool{}
	for _, own := range []string{"", "my own"} {
		req, err := nethttp.NewRequest("GET", "http://localhost/topics/news/records?from_offset=7&access_token=fq_secret", nil)
		if err != nil {
			t.Fatal(err)
		}
		if own != "" {
			req.Header.Set("X-Request-Id", own)
		}
		resp, err := f.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		ids[resp.Header.Get("FlashQ-Request-Id")] = true
	}
	if !ids["my own"] || len(ids) != 2 {
		t.Fatal(ids)
	}
	for text := range strings.Lines(log.text()) { // each is written before its answer
		var line struct {
			ID, Route, Method string
			Status            int
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || !ids[line.ID] || line.Method != "GET" ||
			line.Route != "/topics/{topic}/records" || line.Status != 404 && line.Status != 400 {
			t.Errorf("%s: %v; ids %v", text, err, ids)
		}
		delete(ids, line.ID)
	}
	if len(ids) > 0 || strings.Contains(log.text(), "secret") || strings.Contains(log.text(), "from_offset") {
		t.Errorf("without a line: %v\n%s", ids, log.text())
	}
}
