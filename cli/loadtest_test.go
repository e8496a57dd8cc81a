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

	flashqhttp "flashq/http"
	"flashq/loadtest/report"
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
	args := []string{"produce", "--no-noop", "-s", server.URL, "--repeat=2", "--records=200", "-c3",
		"--warmup=0", "--batch=4", "--size=200", "--value=json", "--format=ndjson", "--keys=9"}

	stdout, stderr, err := runLoadtest(append(args, "-o", "json")...)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	want := report.Load{Format: "ndjson", Value: "json", Size: 200, Batch: 4, Keys: 9, Partitions: 1, Seed: 1}
	if r.Load != want || r.Own().OK != 100 || requests.Load() != 100 || records.Load() != 400 {
		t.Errorf("load %+v, %d requests reported, %d came with %d records", r.Load, r.Own().OK,
			requests.Load(), records.Load())
	}
	if !strings.Contains(stderr, "round 2/2") {
		t.Errorf("progress: %s", stderr)
	}

	file := filepath.Join(t.TempDir(), "report.json")
	stdout, _, err = runLoadtest(append(args, "--save="+file)...)
	if err != nil || !strings.Contains(stdout, "requests/s") {
		t.Errorf("%v, table: %s", err, stdout)
	}
	if text, err := os.ReadFile(file); err != nil || json.Unmarshal(text, &r) != nil {
		t.Errorf("%v, file: %s", err, text)
	}
}

func TestLoadtestRefusesWrongFlagsInOneLine(t *testing.T) {
	for args, want := range map[string]string{
		"produce --format=xml":                     "allowed: json, ndjson, raw, batch",
		"produce --fsync=maybe":                    "allowed: interval, always, never",
		"produce --repeat=0":                       "--repeat 0; allowed: 1 and more",
		"produce --connections=0":                  "--connections 0; allowed: 1 and more",
		"produce --duration=0":                     "--duration 0; allowed: a time such as",
		"produce --max-bytes=0":                    "--max-bytes 0; allowed: 1 and more",
		"produce --max-bytes=-1":                   "0 to 8EiB",
		"produce --batch-bytes=lots":               "64KiB",
		"produce --batch=0":                        "--batch 0",
		"produce --server=ftp://x":                 "http://host:port",
		"produce --server=":                        "allowed: a URL",
		"produce --server-pid=7":                   "--server",
		"produce -s http://192.0.2.7:80":           "--i-own-this-server",
		"produce --compare=nowhere.json":           "nowhere.json",
		"produce --save report.json r.json":        "r.json",
		"produce -o xml":                           "allowed: table, json",
		"consume --batch=20000":                    "--batch 20000",
		"consume --payload=nowhere":                "nowhere",
		"produce --format=raw --batch=2":           "allowed: 1, as they hold one record",
		"produce --beside=raw --batch=2":           "allowed: 1, as they hold one record",
		"produce --beside=empty":                   "allowed: noop, json, ndjson, raw, batch",
		"produce --compression=lz4":                "allowed: with batch",
		"produce --format=batch --compression=lzo": "allowed: none, gzip, snappy, lz4, zstd",
		"produce --per-batch=2 --batch=4":          "allowed: with batch",
		"produce --format=batch --per-batch=2":     "--per-batch 2; allowed: 0 to 1",
		"produce --replay=0.5":                     "without --idempotent",
		"produce --idempotent --replay=2":          "--replay 2; allowed: a share, 0 to 1",
		"produce --beside=json --parked=5":         "allowed: one of them",
		"consume --encoding=xml":                   "allowed: text, base64, json",
		"consume --idempotent":                     "unknown flag",
		"e2e --format=batch --compression=zstd":    "allowed: with produce and consume",
		"e2e --answers=xml":                        "allowed: ndjson, json, raw, batch",
		"e2e --size=10":                            "allowed: 50 and more",
		"e2e --consumers=0":                        "--consumers 0",
		"e2e --rate=-1":                            "--rate -1",
		"noop --value=csv":                         "allowed: letters, json",
		"noop --connections=1000000":               "allowed: 1 to 10000",
		"noop --server=http://x":                   "unknown flag",
		"noop please":                              "please",
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
	if code := Run([]string{"loadtest", "produce", "--server=" + refused.URL}, &out, &errs); code != exitUnreachable ||
		strings.Count(errs.String(), "flashq: ") != 1 || !strings.HasPrefix(errs.String(), "flashq: "+refused.URL+": unreachable: ") {
		t.Errorf("a target that is not there: exit %d, %s", code, errs.String())
	}
	if code := Run([]string{"loadtest", "produce", "--keys=-1"}, &out, &errs); code != exitUsage {
		t.Errorf("a wrong flag: exit %d, %s", code, errs.String())
	}
}

func TestABrokenPromiseFailsTheCommandWithoutAnOlderReport(t *testing.T) {
	judge := loadtestReport{output: newWord("table", "json")}
	for name, v := range map[string]report.Verdict{"lost": {Lost: 1}, "doubled": {Doubled: 1}, "order": {OutOfOrder: 1}} {
		if err := judge.judge(loadtestCommand(), nil, &report.Report{Verdict: &v}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	allowed := report.Verdict{Acknowledged: 9, Received: 10, Unacknowledged: 1, Strangers: 3}
	if err := judge.judge(loadtestCommand(), nil, &report.Report{Verdict: &allowed}); err != nil {
		t.Error(err)
	}
}

func TestLoadtestSaysWhatARefusalMeans(t *testing.T) {
	url := serveAt(t, flashqhttp.Config{})
	var out, errs bytes.Buffer
	code := Run([]string{"loadtest", "produce", "--no-noop", "--batch=1001", "--records=1001", "--warmup=0", "--repeat=1",
		"--server=" + url}, &out, &errs)
	for _, want := range []string{": 400 validation_error: ", "at most 1000 are allowed", "--max-batch-records"} {
		if code != exitFailed || !strings.Contains(errs.String(), want) || strings.Contains(errs.String(), `\"`) {
			t.Errorf("exit %d, no %q in: %s", code, want, errs.String())
		}
	}
}
