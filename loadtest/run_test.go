package loadtest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"flashq/loadtest/drive"
	"flashq/loadtest/drive/drivetest"
	"flashq/loadtest/report"
)

// small is a run of few requests; every test sets the rest.
func small() Config {
	return Config{Connections: 3, Rounds: 2, Records: 100}
}

func TestRunMeasuresBothSidesInChildren(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c := small()
	c.Storage, c.Batch, c.Keys, c.Records = "file", 4, 10, 400
	var lines []string
	c.Progress = func(line string) { lines = append(lines, line) }
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"noop", "produce"} {
		s := r.Sides[i]
		if s.Name != name || s.Sent != 200 || s.OK != 200 || s.Records != 800 || s.Failed != 0 {
			t.Errorf("%s: %+v", name, *s)
		}
		if s.ServerCPU == nil || *s.ServerCPU <= 0 || s.ClientCPU <= 0 {
			t.Errorf("%s: CPU of the server %v, of the client %v", name, s.ServerCPU, s.ClientCPU)
		}
	}
	if len(r.Rounds) != 2 || r.Speed == nil || r.CPU == nil || len(r.Notes) != 0 || len(lines) != 4 {
		t.Errorf("%d rounds, speed %v, CPU %v, notes %q, progress %q", len(r.Rounds), r.Speed, r.CPU, r.Notes, lines)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("%v; left behind: %v", err, left)
	}
}

func TestEachRoundHasAFreshTopicWithItsPartitions(t *testing.T) {
	p := drivetest.New()
	defer p.Server.Close()
	c := small()
	c.Target, c.SkipNoop, c.Partitions, c.Rounds = "http://"+p.Address, true, 6, 3
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Requests) != 3 || len(p.Topics) != 0 {
		t.Errorf("topics used: %v, left: %v", p.Requests, p.Topics)
	}
	for topic, n := range p.Requests {
		if n != 100 {
			t.Errorf("%s: %d requests", topic, n)
		}
	}
	if strings.Join(p.Created, " ") != `{"partitions":6} {"partitions":6} {"partitions":6}` {
		t.Errorf("created with %v", p.Created)
	}
	if len(r.Sides) != 1 || r.Speed != nil || r.Own().OK != 300 || r.Own().ServerCPU != nil {
		t.Errorf("report %+v", r)
	}
}

func TestMaxBytesEndsRoundsEarlyAndSaysSo(t *testing.T) {
	p := drivetest.New()
	defer p.Server.Close()
	c := small()
	c.Records, c.Duration, c.Warmup = 0, time.Hour, time.Hour
	c.Target, c.SkipNoop, c.MaxBytes = "http://"+p.Address, true, 40_000
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if p.Bytes > 40_000 || p.Bytes < 30_000 {
		t.Errorf("sent %d bytes", p.Bytes)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "2 of 2 rounds") {
		t.Errorf("notes %q", r.Notes)
	}
}

func TestAServerThatRefusesAllIsNoResult(t *testing.T) {
	nothing := httptest.NewServer(http.NotFoundHandler())
	defer nothing.Close()
	c := small()
	c.Target, c.SkipNoop = nothing.URL, true
	_, err := Run(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}

func TestAChildThatDoesNotStartIsExplained(t *testing.T) {
	c := small()
	c.BatchBytes = 13
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "13 is unlucky") {
		t.Errorf("got %v", err)
	}
}

func TestAChildThatDiesIsExplained(t *testing.T) {
	s, err := startFlashQ(t.Context(), small().withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	requests := [][]byte{drive.Request("GET", s.host(), "/a/b", "", nil)}
	d, err := drive.New(t.Context(), drive.Config{Address: s.address, Connections: 2, Timeout: 10 * time.Second,
		Source: func(int) drive.Source { return drive.NewFixed(requests, 1, 1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := s.child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, err = d.Run(t.Context(), drive.NewPhase(time.Hour, 0, 0))
	if err == nil {
		t.Fatal("a dead server was measured")
	}
	if text := s.explain(t.Context(), err).Error(); !strings.Contains(text, "signal: killed") {
		t.Errorf("got %s", text)
	}
}

func TestWrongSettingsSayWhatIsAllowed(t *testing.T) {
	for want, set := range map[string]func(c *Config){
		"allowed: json, ndjson, raw, batch": func(c *Config) { c.Format = "xml" },
		"allowed: letters, json":            func(c *Config) { c.Value = "random" },
		"allowed: memory, file":             func(c *Config) { c.Storage = "tape" },
		"interval, always, never":           func(c *Config) { c.Fsync = "sometimes" },
		"--size -1":                         func(c *Config) { c.Size = -1 },
		"--batch 100001":                    func(c *Config) { c.Batch = 100_001 },
		"--size times --batch":              func(c *Config) { c.Size, c.Batch = 1<<20, 1000 },
		"--partitions 257":                  func(c *Config) { c.Partitions = 257 },
		"--repeat -1":                       func(c *Config) { c.Rounds = -1 },
		"--keys -1":                         func(c *Config) { c.Keys = -1 },
		"such as 5s":                        func(c *Config) { c.Warmup = -1 },
		"at least 1260":                     func(c *Config) { c.MaxBytes = 1000 },
		"allowed: 50 and more":              func(c *Config) { c.Workload, c.Size = report.EndToEnd, 49 },
		"allowed: 1 to 10000":               func(c *Config) { c.Workload, c.Batch = report.Consume, 10_001 },
		"--i-own-this-server":               func(c *Config) { c.Target = "http://192.0.2.1:80" },
		"such as 5s or":                     func(c *Config) { c.Timeout = -1 },
		"no such file":                      func(c *Config) { c.Payload = "nowhere" },
		"both or none":                      func(c *Config) { c.ServerPID = 1 },
		"there is no such process":          func(c *Config) { c.Target, c.ServerPID = "http://[::1]:1", 1<<28 },
	} {
		c := small()
		set(&c)
		_, err := Run(t.Context(), c)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestTargetAddresses(t *testing.T) {
	for target, want := range map[string]string{
		"http://127.0.0.1:9000": "127.0.0.1:9000", "http://host/": "host:80", "http://[::1]:7": "[::1]:7",
		"https://host": "host:443", "host:80": "host:80", "localhost:8080": "localhost:8080", "[::1]:7/": "[::1]:7", "ftp:80/x": "", "http://host/x": "", "http://u@host": "", "http://": "", "": "",
	} {
		got, err := targetAddress(target)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", target, got, err)
		}
	}
}

func TestAddressesAreFoundInTheLog(t *testing.T) {
	for line, want := range map[string]string{
		`time=2026-01-02T03:04:05Z level=INFO msg="flashq is listening" addr=127.0.0.1:4321 storage=file`: "127.0.0.1:4321",
		`msg="flashq is listening" addr="[::1]:4321"`:                                                     "[::1]:4321",
		`msg="something else" addr=127.0.0.1:4321`:                                                        "",
		`msg="flashq is listening" addr=nonsense`:                                                         "",
		`msg="flashq is listening" listen_addr=127.0.0.1:1`:                                               "",
	} {
		if got := bannerAddress(line); got != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}
