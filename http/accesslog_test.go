package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// written is a log that a test reads.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// lines are the JSON objects of a log with this message.
func (w *written) lines(t testing.TB, message string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(w.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if m["msg"] == message {
			all = append(all, m)
		}
	}
	return all
}

func jsonLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Every request has one line, with its template instead of what it said: a path or a query is nobody's business.
func TestAccessLog(t *testing.T) {
	var log written
	f := start(t, Config{AccessLog: jsonLog(&log)})
	f.do("POST", "/topics/secretname/records", `{"records":[{"value":"a"}]}`, "Content-Type", "application/json", "X-Request-Id", "mine").want(t, 200)
	f.get("/topics/secretname/records?max_records=1").want(t, 200)
	f.get("/topics/secretname/records?from_offset=latest&timeout_ms=300").want(t, 200)
	f.get("/secretpath?access_token=hush").want(t, 404)
	f.do("HEAD", "/health", "").want(t, 200)
	f.raw("GARBAGE\r\n\r\n").want(t, 400)
	eventually(t, "six lines", func() bool { return len(log.lines(t, "request")) == 6 })
	got := log.lines(t, "request")
	for i, want := range []string{
		"/topics/{topic}/records POST 200 27", "/topics/{topic}/records GET 200 0", "/topics/{topic}/records GET 200 0",
		"other GET 404 0", "/health HEAD 200 0", "other other 400 0",
	} {
		if line := fmt.Sprint(got[i]["route"], " ", got[i]["method"], " ", got[i]["status"], " ", got[i]["bytes_in"]); line != want {
			t.Errorf("line %d says %q, want %q", i, line, want)
		}
		if id, remote := got[i]["id"], got[i]["remote"]; id == "" || remote == "" || got[i]["duration_ms"].(float64) < 0 {
			t.Errorf("%v", got[i])
		}
	}
	if got[0]["id"] != "mine" || got[0]["bytes_out"].(float64) < 50 || got[4]["bytes_out"].(float64) != 0 {
		t.Errorf("%v and %v", got[0], got[4])
	}
	if wait := got[2]["waited_ms"].(float64); wait < 250 || got[1]["waited_ms"].(float64) != 0 {
		t.Errorf("a wait of 300 ms is %v", wait)
	}
	if text := log.String(); strings.Contains(text, "secret") || strings.Contains(text, "hush") {
		t.Error(text)
	}
}

// blocked takes nothing until it may.
type blocked struct {
	goOn chan struct{}
	written
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.goOn
	return b.written.Write(p)
}

// A log that takes nothing keeps no request waiting: lines are dropped, counted and told of, and what is held is
// bounded.
func TestAStalledAccessLog(t *testing.T) {
	out := &blocked{goOn: make(chan struct{})}
	var told written
	log, err := OpenAccessLog("-", out, jsonLog(&told))
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, Config{AccessLog: jsonLog(log), AccessDropped: log.Dropped})
	line := []byte(strings.Repeat("x", 9999) + "\n")
	for range 3 * mostPending / len(line) {
		if _, err := log.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	f.get("/health").want(t, 200)
	log.mu.Lock()
	held := cap(log.pending)
	log.mu.Unlock()
	if held > 2*mostPending {
		t.Errorf("%d bytes are held", held)
	}
	dropped := log.Dropped()
	if dropped < 100 {
		t.Errorf("%d lines were dropped", dropped)
	}
	if got := f.scrape().value("flashq_access_log_dropped_total"); got < float64(dropped) {
		t.Errorf("the metric says %v, of %d", got, dropped)
	}
	warnings := func() []map[string]any { return told.lines(t, "lines of the access log were dropped") }
	eventually(t, "the log is told while nothing is written", func() bool { return len(warnings()) > 0 })
	close(out.goOn)
	log.Close()
	all := int64(0)
	for _, line := range warnings() {
		all += int64(line["dropped"].(float64))
	}
	if n := len(warnings()); all != log.Dropped() || n > 3 {
		t.Errorf("the log tells of %d in %d lines, of %d: %s", all, n, log.Dropped(), told.String())
	}
	if got := strings.Count(out.String(), "\n") + int(log.Dropped()); got < 3*mostPending/len(line) {
		t.Errorf("%d lines were written or dropped", got)
	}
}

// A file that was moved away goes on under its name after Reopen, and no line is lost between the two.
func TestAccessLogTurns(t *testing.T) {
	if os.PathSeparator == '\\' {
		return // an open file can't be moved there
	}
	path := filepath.Join(t.TempDir(), "access.log")
	log, err := OpenAccessLog(path, nil, jsonLog(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	content := func(path string) string { text, _ := os.ReadFile(path); return string(text) }
	_, _ = log.Write([]byte("one\n"))
	eventually(t, "the first line", func() bool { return content(path) == "one\n" })
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	log.Reopen()
	eventually(t, "a new file", func() bool { _, err := os.Stat(path); return err == nil })
	_, _ = log.Write([]byte("two\n"))
	log.Close()
	if old, now := content(path+".1"), content(path); old != "one\n" || now != "two\n" {
		t.Errorf("%q and %q", old, now)
	}
	if _, err := OpenAccessLog(filepath.Join(path, "x"), nil, jsonLog(io.Discard)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a log below a file: %v", err)
	}
	_, _ = log.Write([]byte("late\n")) // after its end it is dropped
	if log.Dropped() != 1 {
		t.Errorf("%d were dropped", log.Dropped())
	}
}

// failing is a full disk.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrPermission }

// A log that can't be written says so once, and counts.
func TestAFullAccessLog(t *testing.T) {
	var told written
	log, err := OpenAccessLog("-", failing{}, jsonLog(&told))
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		_, _ = log.Write([]byte("a line\n"))
		eventually(t, "it is dropped", func() bool { return log.Dropped() == i+1 })
	}
	log.Close()
	if n := len(told.lines(t, "the access log can't be written")); n != 1 {
		t.Errorf("told %d times: %s", n, told.String())
	}
}

// A slow request is warned of, with where its time went; one that only waited for records is not slow.
func TestSlowRequests(t *testing.T) {
	var log written
	f := start(t, Config{Logger: jsonLog(&log), SlowRequest: 200 * time.Millisecond})
	f.createTopic("news", "")
	f.get("/topics/news/records?timeout_ms=400").want(t, 200)
	f.post("/topics/news/records", `{"records":[{"value":"a"}]}`).want(t, 200)
	c, err := f.ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, post("Content-Length: 28\r\nX-Request-Id: mine\r\n")+`{"reco`); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // a slow sender
	if _, err := io.WriteString(c, `rds":[{"value":"a"}]} `); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a warning", func() bool { return len(log.lines(t, "slow request")) > 0 })
	got := log.lines(t, "slow request")
	if len(got) != 1 || got[0]["level"] != "WARN" || got[0]["id"] != "mine" || got[0]["method"] != "POST" {
		t.Fatalf("%v", got)
	}
	body, store, all := got[0]["body_ms"].(float64), got[0]["store_ms"].(float64), got[0]["duration_ms"].(float64)
	if body < 200 || store > all/2 || body+store < all-1 || body+store > all+1 {
		t.Errorf("%v of %v ms for the body, %v to store", body, all, store)
	}
}

// The id that a client was told with a 5xx is in the log; floods of them are not.
func TestFailuresAreLoggedByTheirID(t *testing.T) {
	var log written
	f := serve(t, Config{Logger: jsonLog(&log)}) // which recovers
	id := f.get("/topics").want(t, 503).header.Get("FlashQ-Request-Id")
	eventually(t, "a line", func() bool { return len(log.lines(t, "request failed")) > 0 })
	if got := log.lines(t, "request failed"); len(got) != 1 || got[0]["id"] != id || got[0]["error"] != "recovering" || got[0]["level"] != "DEBUG" {
		t.Errorf("%v of %s", got, id)
	}
	for range 50 {
		f.get("/topics").want(t, 503)
	}
	if n := len(log.lines(t, "request failed")); n > 45 {
		t.Errorf("%d lines", n)
	}
	f.get("/topics/none?x=1")
}
