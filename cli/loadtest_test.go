package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"flashq/loadtest"
)

// runLoadtest runs the command line "flashq loadtest ..." without the root around it.
func runLoadtest(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	c := loadtestCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&errs)
	err = c.Execute()
	return out.String(), errs.String(), err
}

func TestLoadtestDrivesATarget(t *testing.T) {
	var records, requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPost {
			requests.Add(1)
			records.Add(int64(strings.Count(string(body), `{\"dep_delay`)))
		}
	}))
	defer server.Close()
	args := []string{"produce", "--no-noop", "--target=" + server.URL, "--rounds=2", "--requests=50", "--connections=3",
		"--warmup=0", "--batch=4", "--record-bytes=200", "--value=json", "--format=ndjson", "--keys=9"}

	stdout, stderr, err := runLoadtest(append(args, "--json=-")...)
	if err != nil {
		t.Fatal(err)
	}
	var r loadtest.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	want := loadtest.Load{Format: "ndjson", Value: "json", RecordBytes: 200, Batch: 4, Keys: 9, Partitions: 1}
	if r.Load != want || r.Produce.Requests != 100 || requests.Load() != 100 || records.Load() != 400 {
		t.Errorf("load %+v, %d requests reported, %d came with %d records", r.Load, r.Produce.Requests,
			requests.Load(), records.Load())
	}
	if !strings.Contains(stderr, "round 2/2") {
		t.Errorf("progress: %s", stderr)
	}

	file := filepath.Join(t.TempDir(), "report.json")
	stdout, _, err = runLoadtest(append(args, "--json="+file)...)
	if err != nil || !strings.Contains(stdout, "requests/s") {
		t.Errorf("%v, table: %s", err, stdout)
	}
	if text, err := os.ReadFile(file); err != nil || json.Unmarshal(text, &r) != nil {
		t.Errorf("%v, file: %s", err, text)
	}
}

func TestLoadtestRefusesWrongFlagsInOneLine(t *testing.T) {
	for args, want := range map[string]string{
		"produce --format=xml":                   "allowed: json, ndjson",
		"produce --fsync=maybe":                  "allowed: interval, always, never",
		"produce --rounds=0":                     "--rounds 0",
		"produce --duration=0":                   "--duration 0",
		"produce --max-bytes=0":                  "--max-bytes 0",
		"produce --max-bytes=-1":                 "0 to 8EiB",
		"produce --batch-bytes=lots":             "64KiB",
		"produce --batch=0":                      "--batch 0",
		"produce --target=ftp://x":               "http://host:port",
		"produce --server-pid=7":                 "--target",
		"noop --value=csv":                       "allowed: plain, json",
		"noop --connections=1000000":             "allowed: 1 to 10000",
		"noop --target=http://x":                 "unknown flag",
		"noop please":                            "please",
		"produce --json report.json report.json": "report.json",
	} {
		_, _, err := runLoadtest(strings.Fields(args)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestLoadtestTellsWrongFlagsFromAFailedRun(t *testing.T) {
	refused := httptest.NewServer(http.NotFoundHandler())
	refused.Close()
	var out, errs bytes.Buffer
	if code := Run([]string{"loadtest", "produce", "--target=" + refused.URL}, &out, &errs); code != exitFailed {
		t.Errorf("a target that is not there: exit %d, %s", code, errs.String())
	}
	if code := Run([]string{"loadtest", "produce", "--keys=-1"}, &out, &errs); code != exitUsage {
		t.Errorf("a wrong flag: exit %d, %s", code, errs.String())
	}
}
