package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// fileHas waits until a file has a text.
func fileHas(t *testing.T, path, want string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s never has %q: %v\n%s", path, want, err, text)
		}
	}
}

// What both halves of the broker count stands on one page, and the log of requests turns at SIGHUP, which ends nothing.
func TestMetricsAndAccessLogOfTheBinary(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "access.log")
	b := instance.Start(t, "--data-dir="+filepath.Join(dir, "data"), "--fsync=always", "--access-log="+log, "--log-format=text")
	b.CreateTopic(t, "news", 1)
	id := ""
	for range 2 {
		a := b.Must(t, 200, "POST", "/topics/news/records", "application/json", []byte(`{"records":[{"value":"a"},{"value":"b"}]}`), nil)
		id = a.Header.Get("FlashQ-Request-Id")
	}
	page := string(b.Must(t, 200, "GET", "/metrics", "", nil, nil).Body)
	for _, want := range []string{
		`flashq_records_produced_total{topic="news"} 4`, `flashq_partition_high_water_mark{topic="news",partition="0"} 4`,
		`flashq_append_batch_bytes_count 2`, `flashq_limit_used{bound="max-topics"} 1`,
		`flashq_http_requests_total{route="/topics/{topic}/records",method="POST",status="200"} 2`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	for _, unwanted := range []string{"flashq_fsync_duration_seconds_count 0\n", "flashq_recovery_seconds 0\n"} {
		if strings.Contains(page, unwanted) {
			t.Errorf("%s", unwanted)
		}
	}
	fileHas(t, log, fmt.Sprintf("id=%s route=/topics/{topic}/records method=POST status=200", id))
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	b.Signal(t, syscall.SIGHUP)
	fileHas(t, log, "")
	b.Must(t, 200, "GET", "/health", "", nil, nil)
	fileHas(t, log, "route=/health")
	b.Stop(t)
	if text, _ := os.ReadFile(log + ".1"); strings.Contains(string(text), "/health") {
		t.Errorf("the old file goes on: %s", text)
	}
}
