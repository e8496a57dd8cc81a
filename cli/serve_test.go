package cli

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flashq/actor"
	"flashq/auth"
	"flashq/http"
)

// serveWith is what the broker is told by a command line.
func serveWith(t *testing.T, args ...string) (serveConfig, *cobra.Command, error) {
	t.Helper()
	f, c := newServeFlags(), &cobra.Command{}
	f.define(c)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	config, err := f.check(c, c.Flags().Args())
	return config, c, err
}

// effects has a row for each flag of the broker: a value, where it ends, and what is there with and without the flag.
var effects = map[string]struct {
	value   string
	field   func(c serveConfig) any
	want    any
	without any
}{
	"listen":                      {"[::1]:9", func(c serveConfig) any { return c.listen }, "[::1]:9", "localhost:8080"},
	"storage":                     {"file", func(c serveConfig) any { return c.engine.Dir }, "./data", ""},
	"data-dir":                    {"/d", func(c serveConfig) any { return c.engine.Dir }, "/d", ""},
	"batch-bytes":                 {"9", func(c serveConfig) any { return c.engine.BatchBytes }, 9, engine.BatchBytes},
	"segment-bytes":               {"9KiB", func(c serveConfig) any { return c.engine.SegmentBytes }, int64(9 << 10), engine.SegmentBytes},
	"memory-bytes":                {"9MiB", func(c serveConfig) any { return c.engine.MemoryBytes }, int64(9 << 20), defaultMemory()},
	"fsync":                       {"always", func(c serveConfig) any { return c.engine.Fsync }, actor.FsyncAlways, actor.FsyncInterval},
	"fsync-interval":              {"9ms", func(c serveConfig) any { return c.engine.FsyncInterval }, 9 * time.Millisecond, engine.FsyncInterval},
	"sync-workers":                {"9", func(c serveConfig) any { return c.engine.SyncWorkers }, 9, engine.SyncWorkers},
	"read-workers":                {"9", func(c serveConfig) any { return c.engine.ReadWorkers }, 9, engine.ReadWorkers},
	"auto-create":                 {"false", func(c serveConfig) any { return c.wire.NoAutoCreate }, true, false},
	"default-partitions":          {"9", func(c serveConfig) any { return [2]int{c.engine.DefaultPartitions, c.wire.DefaultPartitions} }, [2]int{9, 9}, [2]int{1, 1}},
	"max-topics":                  {"9", func(c serveConfig) any { return c.engine.MaxTopics }, 9, engine.MaxTopics},
	"max-groups":                  {"9", func(c serveConfig) any { return c.engine.MaxGroups }, 9, engine.MaxGroups},
	"max-body-bytes":              {"9KiB", func(c serveConfig) any { return c.wire.MaxBodyBytes }, 9 << 10, wire.MaxBodyBytes},
	"max-inflight-bytes":          {"9MiB", func(c serveConfig) any { return c.wire.MaxInflightBytes }, 9 << 20, wire.MaxInflightBytes},
	"max-value-bytes":             {"9", func(c serveConfig) any { return c.wire.MaxValueBytes }, 9, wire.MaxValueBytes},
	"max-key-bytes":               {"9", func(c serveConfig) any { return c.wire.MaxKeyBytes }, 9, wire.MaxKeyBytes},
	"max-header-bytes":            {"9", func(c serveConfig) any { return c.wire.MaxHeaderBytes }, 9, wire.MaxHeaderBytes},
	"max-headers":                 {"9", func(c serveConfig) any { return c.wire.MaxHeaders }, 9, wire.MaxHeaders},
	"max-batch-records":           {"9", func(c serveConfig) any { return c.wire.MaxBatchRecords }, 9, wire.MaxBatchRecords},
	"max-partitions":              {"9", func(c serveConfig) any { return [2]int{c.engine.MaxPartitions, c.wire.MaxPartitions} }, [2]int{9, 9}, [2]int{engine.MaxPartitions, wire.MaxPartitions}},
	"max-waiters":                 {"9", func(c serveConfig) any { return c.wire.MaxWaiters }, 9, wire.MaxWaiters},
	"max-streams":                 {"9", func(c serveConfig) any { return c.wire.MaxStreams }, 9, wire.MaxStreams},
	"max-connections":             {"9", func(c serveConfig) any { return c.wire.MaxConnections }, 9, 0},
	"max-connections-per-address": {"9", func(c serveConfig) any { return c.wire.MaxConnectionsPerAddress }, 9, 0},
	"allowed-host":                {"a,b", func(c serveConfig) any { return strings.Join(c.wire.AllowedHosts, "+") }, "a+b", ""},
	"trusted-proxy":               {"10.0.0.0/8,::1", func(c serveConfig) any { return fmt.Sprint(c.wire.TrustedProxies) }, "[10.0.0.0/8 ::1/128]", "[]"},
	"admin-listen":                {"[::1]:9", func(c serveConfig) any { return c.adminListen }, "[::1]:9", ""},
	"cors-origin":                 {"http://a:80,HTTP://b:1", func(c serveConfig) any { return fmt.Sprint(c.wire.Origins) }, "[http://a http://b:1]", "[]"},
	"tls-cert":                    {"", func(serveConfig) any { return nil }, nil, nil}, // TestTheCertificate
	"tls-key":                     {"", func(serveConfig) any { return nil }, nil, nil},
	"insecure":                    {"true", func(serveConfig) any { return nil }, nil, nil}, // TestTheWorldIsNotLetInByAccident
	"auth-file":                   {"t.json", func(c serveConfig) any { return c.authFile }, "t.json", ""},
	"protect-metrics":             {"true", func(c serveConfig) any { return c.wire.MetricsScope() }, auth.ReadAll, auth.Open},
	"drain-wait":                  {"9s", func(c serveConfig) any { return c.drainWait }, 9 * time.Second, time.Duration(0)},
	"access-log":                  {"-", func(c serveConfig) any { return c.accessLog }, "-", ""},
	"slow-request":                {"9s", func(c serveConfig) any { return c.wire.SlowRequest }, 9 * time.Second, time.Second},
	"metrics-topics":              {"false", func(c serveConfig) any { return c.wire.NoTopicMetrics }, true, false},
	"log-format":                  {"json", func(c serveConfig) any { return c.logFormat }, "json", "text"},
	"log-level":                   {"debug", func(c serveConfig) any { return c.logLevel }, "debug", "info"},
	"max-commits":                 {"9", func(c serveConfig) any { return c.engine.MaxCommits }, 9, engine.MaxCommits},
	"max-idempotency-keys":        {"9", func(c serveConfig) any { return c.engine.MaxKeys }, 9, engine.MaxKeys},
	"max-producers":               {"9", func(c serveConfig) any { return c.engine.MaxProducers }, 9, engine.MaxProducers},
	"max-partitions-total":        {"9", func(c serveConfig) any { return c.engine.MaxPartitionsTotal }, 9, engine.MaxPartitionsTotal},
}

var engine, wire = actor.DefaultConfig(), http.DefaultConfig()

func TestEveryFlagOfTheBrokerReachesIt(t *testing.T) {
	plain, c, err := serveWith(t)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	for name := range known {
		row, ok := effects[name]
		if !ok {
			t.Errorf("--%s has no row here: nobody would notice if it did nothing", name)
			continue
		}
		got, _, err := serveWith(t, "--"+name+"="+row.value)
		if err != nil {
			t.Errorf("--%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]any{row.want, row.without}, []any{row.field(got), row.field(plain)}); diff != "" {
			t.Errorf("--%s=%s, and without (-want +got):\n%s", name, row.value, diff)
		}
	}
	for name := range effects {
		if !known[name] {
			t.Errorf("--%s is no flag", name)
		}
	}
}

func TestTheOtherWordsOfTheBrokerReachItToo(t *testing.T) {
	if c, _, err := serveWith(t, "--fsync=never"); err != nil || c.engine.Fsync != actor.FsyncNever {
		t.Errorf("%v, %v", c.engine.Fsync, err)
	}
	if c, _, err := serveWith(t, "9090"); err != nil || c.listen != "localhost:9090" {
		t.Errorf("%s, %v", c.listen, err)
	}
	if c, _, err := serveWith(t, "--storage=file"); err != nil || c.engine.MemoryBytes != 0 {
		t.Errorf("%d, %v", c.engine.MemoryBytes, err)
	}
	if c, _, err := serveWith(t, "--slow-request=0"); err != nil || c.wire.SlowRequest != math.MaxInt64 {
		t.Errorf("%s, %v", c.wire.SlowRequest, err)
	}
}

// Two flags that can't both be meant are refused: neither wins in silence.
func TestFlagsThatContradictEachOther(t *testing.T) {
	for _, test := range []struct {
		want string
		args []string
	}{
		{"--data-dir beside --storage=memory; allowed: one of them", []string{"--storage=memory", "--data-dir=d"}},
		{"port 9090 beside --listen 127.0.0.1:9091; allowed: one of them", []string{"9090", "--listen=127.0.0.1:9091"}},
	} {
		if _, _, err := serveWith(t, test.args...); err == nil || err.Error() != test.want || exitCode(err) != exitUsage {
			t.Errorf("%v: %v", test.args, err)
		}
	}
}

// An address that others reach has to be asked for in so many words; no host at all is all addresses.
func TestTheWorldIsNotLetInByAccident(t *testing.T) {
	for _, listen := range []string{":8080", "0.0.0.0:8080", "[::]:8080", "192.0.2.7:8080", "example.org:8080"} {
		if _, _, err := serveWith(t, "--listen="+listen); err == nil || !strings.Contains(err.Error(), "--insecure") {
			t.Errorf("%s: %v", listen, err)
		}
		if c, _, err := serveWith(t, "--listen="+listen, "--insecure"); err != nil || c.listen != listen {
			t.Errorf("%s: %s, %v", listen, c.listen, err)
		}
	}
	for _, listen := range []string{"localhost:1", "127.0.0.9:1", "[::1]:1"} {
		if _, _, err := serveWith(t, "--listen="+listen); err != nil {
			t.Error(err)
		}
	}
}

// While the broker recovers, /ready tells how far that is.
func TestTheServerKnowsHowFarRecoveryIs(t *testing.T) {
	var c serveConfig
	c.connect(slog.New(slog.NewTextHandler(io.Discard, nil)))
	c.engine.Progress.Partitions.Add(9)
	c.engine.Progress.Recovered.Add(4)
	if c.wire.Progress == nil || c.engine.Logger == nil || c.wire.Logger == nil {
		t.Fatalf("%+v", c)
	}
	if done, total := c.wire.Progress(); done != 4 || total != 9 {
		t.Errorf("%d of %d", done, total)
	}
}

// What is logged, and how, is the flags' to say.
func TestLogsAreAsTheFlagsSay(t *testing.T) {
	for flags, want := range map[[2]string]string{
		{"text", "info"}: "level=INFO msg=b", {"text", "debug"}: "level=DEBUG msg=a", {"json", "info"}: `"msg":"b"`,
		{"json", "error"}: "",
	} {
		var out strings.Builder
		l := newLogger(&out, flags[0], flags[1])
		l.Debug("a")
		l.Info("b")
		if want == "" && out.String() != "" || !strings.Contains(out.String(), want) ||
			strings.Contains(out.String(), "DEBUG") != (flags[1] == "debug") {
			t.Errorf("%v: %s", flags, out.String())
		}
	}
}
