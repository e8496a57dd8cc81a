package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flashq/actor"
	"flashq/http"
)

// serveFlags are the broker's flags as they are typed.
type serveFlags struct {
	listen, adminListen  string
	storage              *word
	dataDir              string
	batchBytes           Size
	segmentBytes         Size
	memoryBytes          Size
	fsync                *word
	interval             time.Duration
	logFormat            *word
	logLevel             *word
	accessLog            string
	drainWait            time.Duration // from a signal to the closing of the port
	topicMetrics         bool
	insecure             bool
	authFile             string
	tls                  *certificate
	autoCreate           bool
	allowedHosts         []string
	origins              []string
	trustedProxies       []string
	partitions           int
	maxTopics, maxGroups int
	syncers, readers     int
	maxPartitionsTotal   int
	maxCommits           int

	maxKeys, maxProducers int

	wire  http.Config
	sizes struct{ body, inflight, value, key, header Size }
}

const defaultListen = "localhost:8080"

func serveCommand() *cobra.Command {
	f := newServeFlags()
	c := &cobra.Command{
		Use:   "flashq [port]",
		Short: "A Kafka-inspired record queue that speaks plain HTTP",
		Long: "FlashQ is a Kafka-inspired record queue that speaks plain HTTP: topics, partitions, keys, headers and\n" +
			"time queries, usable from curl. In memory by default, on Kafka's own segment files with --storage=file.",
		Example: "  flashq\n  flashq 9090\n  flashq --storage=file --data-dir=./data --batch-bytes=131072",
		Args:    portArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := f.check(cmd, args)
			if err == nil {
				err = config.checkTokens()
			}
			if err != nil {
				return err
			}
			return failed(serve(config, cmd.ErrOrStderr()))
		},
	}
	f.define(c)
	return c
}

func newServeFlags() *serveFlags {
	return &serveFlags{
		tls: &certificate{}, storage: newWord("memory", "file"), fsync: newWord("interval", "always", "never"),
		logFormat: newWord("text", "json"), logLevel: newWord("info", "debug", "warn", "error"),
	}
}

// define has the flags' names and what the help says of them; their defaults are actor's and http's to say.
func (f *serveFlags) define(c *cobra.Command) {
	engine, wire := actor.DefaultConfig(), http.DefaultConfig()
	f.batchBytes, f.segmentBytes = Size(engine.BatchBytes), Size(engine.SegmentBytes)
	f.sizes.body, f.sizes.inflight, f.sizes.value = Size(wire.MaxBodyBytes), Size(wire.MaxInflightBytes),
		Size(wire.MaxValueBytes)
	f.sizes.key, f.sizes.header = Size(wire.MaxKeyBytes), Size(wire.MaxHeaderBytes)
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.listen, "listen", defaultListen, "address to serve on, host:port; localhost is 127.0.0.1 and [::1]")
	fs.Var(f.storage, "storage", "where records live")
	fs.StringVar(&f.dataDir, "data-dir", "./data", "folder for the records; named, it means --storage=file")
	fs.Var(&f.batchBytes, "batch-bytes", "budget of one gathered write, 1 to 16MiB")
	fs.Var(&f.segmentBytes, "segment-bytes", "size at which a segment file rolls, 1KiB to 2GiB less one byte")
	fs.Var(&f.memoryBytes, "memory-bytes", "bound of --storage=memory, oldest segments go first (default half of RAM)")
	fs.Var(f.fsync, "fsync", "when writes are made durable")
	fs.DurationVar(&f.interval, "fsync-interval", engine.FsyncInterval, "how often with --fsync=interval")
	fs.IntVar(&f.syncers, "sync-workers", engine.SyncWorkers, "bound on syncs that run at a time, 1 to 1000")
	fs.IntVar(&f.readers, "read-workers", engine.ReadWorkers, "bound on reads from the disk at a time, 1 to 1000")
	fs.BoolVar(&f.autoCreate, "auto-create", !wire.NoAutoCreate, "create a topic on its first record")
	fs.IntVar(&f.partitions, "default-partitions", engine.DefaultPartitions, "partitions of a topic that does not say")
	fs.IntVar(&f.maxTopics, "max-topics", engine.MaxTopics, "bound on topics")
	fs.IntVar(&f.maxGroups, "max-groups", engine.MaxGroups, "bound on consumer groups")
	fs.IntVar(&f.maxCommits, "max-commits", engine.MaxCommits, "bound on the partitions that all groups commit to")
	fs.IntVar(&f.maxKeys, "max-idempotency-keys", engine.MaxKeys, "bound on the idempotency keys that are known at a time")
	fs.IntVar(&f.maxProducers, "max-producers", engine.MaxProducers, "bound on producers with ids of their own")
	fs.Var(&f.sizes.body, "max-body-bytes", "bound on one request's body, 1KiB to 16MiB")
	fs.Var(&f.sizes.inflight, "max-inflight-bytes", "bound on bodies under way, and as much again on answers")
	fs.Var(&f.sizes.value, "max-value-bytes", "bound on a record's value")
	fs.Var(&f.sizes.key, "max-key-bytes", "bound on a record's key")
	fs.Var(&f.sizes.header, "max-header-bytes", "bound on a record header's value")
	fs.IntVar(&f.wire.MaxHeaders, "max-headers", wire.MaxHeaders, "bound on a record's headers")
	fs.IntVar(&f.wire.MaxBatchRecords, "max-batch-records", wire.MaxBatchRecords, "bound on a JSON request's records")
	fs.IntVar(&f.wire.MaxPartitions, "max-partitions", engine.MaxPartitions, "bound on a topic's partitions")
	fs.IntVar(&f.maxPartitionsTotal, "max-partitions-total", engine.MaxPartitionsTotal, "bound on all topics' partitions")
	fs.IntVar(&f.wire.MaxWaiters, "max-waiters", wire.MaxWaiters, "bound on fetches that wait")
	fs.IntVar(&f.wire.MaxStreams, "max-streams", wire.MaxStreams, "bound on live streams that are open")
	fs.IntVar(&f.wire.MaxConnections, "max-connections", 0, "bound on open connections (default what open files allow)")
	fs.IntVar(&f.wire.MaxConnectionsPerAddress, "max-connections-per-address", 0,
		"bound on those of one address, loopback aside (default half of all)")
	f.defineAccess(fs)
	f.defineWatching(fs, wire)
}

// defineAccess has the flags of who may come, and how.
func (f *serveFlags) defineAccess(fs *pflag.FlagSet) {
	fs.StringSliceVar(&f.allowedHosts, "allowed-host", nil, "name that a Host header may have beside loopback ones")
	fs.StringSliceVar(&f.origins, "cors-origin", nil, "origin whose web pages may talk to the broker (CORS)")
	fs.StringSliceVar(&f.trustedProxies, "trusted-proxy", nil, "address or network whose connections are many clients'")
	fs.StringVar(&f.authFile, "auth-file", "", "file of the tokens that requests need; flashq token makes them")
	fs.BoolVar(&f.wire.ProtectMetrics, "protect-metrics", false, "ask for a token at /metrics, too")
	fs.StringVar(&f.tls.cert, "tls-cert", "", "file of the TLS certificate, and of those that lead to its authority")
	fs.StringVar(&f.tls.key, "tls-key", "", "file of the certificate's key")
	fs.StringVar(&f.adminListen, "admin-listen", "", "loopback address for profiles (pprof), host:port; none by default")
	fs.BoolVar(&f.insecure, "insecure", false, "serve without tokens on an address that is not loopback")
}

// defineWatching has the flags of what the broker tells of itself.
func (f *serveFlags) defineWatching(fs *pflag.FlagSet, wire http.Config) {
	fs.Var(f.logFormat, "log-format", "how log lines are written")
	fs.Var(f.logLevel, "log-level", "what is logged")
	fs.DurationVar(&f.drainWait, "drain-wait", 0, "after a signal, how long /ready says so before the port is closed")
	fs.StringVar(&f.accessLog, "access-log", "", "file that gets a line for each request, or - for standard error")
	fs.DurationVar(&f.wire.SlowRequest, "slow-request", wire.SlowRequest,
		"from when on a request is logged as slow; 0: none is")
	fs.BoolVar(&f.topicMetrics, "metrics-topics", !wire.NoTopicMetrics, "single topics and groups at /metrics, not sums")
}

func portArgument(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0 || len(args) == 1 && isPort(args[0]):
		return nil
	case isPort(args[0]):
		return fmt.Errorf("one argument is allowed, the port; got %d", len(args))
	case len(args) > 1 || len(suggestions(cmd, args[0])) > 0:
		return noCommand(cmd, args[0], names(cmd))
	}
	return fmt.Errorf("unknown command or port %q; allowed: a port 0 to 65535, or one of %s", args[0], names(cmd))
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// check turns flags into the configuration of one run: every wrong value is one line that says what is allowed.
func (f *serveFlags) check(cmd *cobra.Command, args []string) (serveConfig, error) {
	var c serveConfig
	host, port, err := net.SplitHostPort(f.listen)
	if err != nil {
		return c, fmt.Errorf("--listen %q; allowed: host:port, such as %s", f.listen, defaultListen)
	}
	if !isPort(port) {
		return c, fmt.Errorf("--listen %q; allowed: a port 0 to 65535", f.listen)
	}
	if len(args) == 1 {
		if cmd.Flags().Changed("listen") {
			return c, fmt.Errorf("port %s beside --listen %s; allowed: one of them", args[0], f.listen)
		}
		port = args[0]
	}
	c.listen = net.JoinHostPort(host, port)
	c.exposure, c.tls = f.exposure(c.listen, host), f.tls
	if err := c.exposure.check(); err != nil {
		return c, err
	}
	if err := f.tls.check(); err != nil {
		return c, err
	}
	if err := f.checkAdmin(); err != nil {
		return c, err
	}
	if !cmd.Flags().Changed("memory-bytes") {
		f.memoryBytes = Size(defaultMemory())
	}
	if err := f.checkRanges(); err != nil {
		return c, err
	}
	if err := f.checkStorage(cmd.Flags()); err != nil {
		return c, err
	}
	c.adminListen, c.authFile, c.drainWait = f.adminListen, f.authFile, f.drainWait
	c.logFormat, c.logLevel, c.accessLog = f.logFormat.value, f.logLevel.value, f.accessLog
	c.engine, c.wire = f.engine(), f.wireConfig()
	if c.wire.Origins, err = parseOrigins(f.origins); err != nil {
		return c, err
	}
	c.wire.TrustedProxies, err = parseAddresses("trusted-proxy", f.trustedProxies)
	return c, err
}

// checkStorage takes a folder that is named for --storage=file: nobody names one to keep everything in memory.
func (f *serveFlags) checkStorage(given *pflag.FlagSet) error {
	switch {
	case !given.Changed("data-dir"):
		return nil
	case !given.Changed("storage"):
		f.storage.value = "file"
	case f.storage.value == "memory":
		return errors.New("--data-dir beside --storage=memory; allowed: one of them")
	}
	if f.dataDir == "" {
		return errors.New("--data-dir is empty; allowed: a folder")
	}
	return nil
}

// checkAdmin keeps profiles on this machine, whatever the broker serves to.
func (f *serveFlags) checkAdmin() error {
	if f.adminListen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(f.adminListen)
	if err != nil || !isPort(port) || !isLoopback(host) {
		return fmt.Errorf("--admin-listen %q; allowed: a loopback host:port, such as 127.0.0.1:6060", f.adminListen)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// checkRanges holds every bounded number against its bounds.
func (f *serveFlags) checkRanges() error {
	for _, r := range []struct {
		name     string
		value    int64
		min, max int64
		show     func(int64) string
	}{
		{"batch-bytes", int64(f.batchBytes), 1, 16 << 20, sizeText},
		{"segment-bytes", int64(f.segmentBytes), 1 << 10, math.MaxInt32, sizeText},
		{"memory-bytes", int64(f.memoryBytes), 1 << 20, 1 << 50, sizeText},
		{"max-body-bytes", int64(f.sizes.body), 1 << 10, 16 << 20, sizeText},
		{"max-inflight-bytes", int64(f.sizes.inflight), 1 << 20, 1 << 40, sizeText},
		{"max-value-bytes", int64(f.sizes.value), 1, 16 << 20, sizeText},
		{"max-key-bytes", int64(f.sizes.key), 1, 16 << 20, sizeText},
		{"max-header-bytes", int64(f.sizes.header), 1, 16 << 20, sizeText},
		{"drain-wait", int64(f.drainWait), 0, int64(5 * time.Minute), durationText},
		{"slow-request", int64(f.wire.SlowRequest), 0, int64(24 * time.Hour), durationText},
		{"fsync-interval", int64(f.interval), int64(time.Millisecond), int64(time.Hour), durationText},
		{"sync-workers", int64(f.syncers), 1, 1000, plainText},
		{"read-workers", int64(f.readers), 1, 1000, plainText},
		{"default-partitions", int64(f.partitions), 1, int64(f.wire.MaxPartitions), plainText},
		{"max-partitions", int64(f.wire.MaxPartitions), 1, 10_000, plainText},
		{"max-headers", int64(f.wire.MaxHeaders), 1, 100_000, plainText},
		{"max-batch-records", int64(f.wire.MaxBatchRecords), 1, 1_000_000, plainText},
		{"max-topics", int64(f.maxTopics), 1, 1_000_000, plainText},
		{"max-groups", int64(f.maxGroups), 1, 1_000_000, plainText},
		{"max-partitions-total", int64(f.maxPartitionsTotal), 1, 10_000_000, plainText},
		{"max-commits", int64(f.maxCommits), 1, 100_000_000, plainText},
		{"max-idempotency-keys", int64(f.maxKeys), 1, 100_000_000, plainText},
		{"max-producers", int64(f.maxProducers), 1, 100_000_000, plainText},
		{"max-waiters", int64(f.wire.MaxWaiters), 1, 1_000_000, plainText},
		{"max-streams", int64(f.wire.MaxStreams), 1, 1_000_000, plainText},
		{"max-connections", int64(f.wire.MaxConnections), 0, 1_000_000, plainText},
		{"max-connections-per-address", int64(f.wire.MaxConnectionsPerAddress), 0, 1_000_000, plainText},
	} {
		if r.value < r.min || r.value > r.max {
			return fmt.Errorf("--%s %s; allowed: %s to %s", r.name, r.show(r.value), r.show(r.min), r.show(r.max))
		}
	}
	return nil
}

func sizeText(n int64) string     { s := Size(n); return s.String() }
func durationText(n int64) string { return time.Duration(n).String() }
func plainText(n int64) string    { return strconv.FormatInt(n, 10) }

func (f *serveFlags) engine() actor.Config {
	c := actor.Config{
		MemoryBytes: int64(f.memoryBytes), BatchBytes: int(f.batchBytes), SegmentBytes: int64(f.segmentBytes),
		FsyncInterval: f.interval, DefaultPartitions: f.partitions, MaxTopics: f.maxTopics,
		MaxPartitions: f.wire.MaxPartitions, MaxPartitionsTotal: f.maxPartitionsTotal, MaxGroups: f.maxGroups,
		MaxCommits: f.maxCommits, MaxKeys: f.maxKeys, MaxProducers: f.maxProducers,
		SyncWorkers: f.syncers, ReadWorkers: f.readers,
	}
	if f.storage.value == "file" {
		c.Dir, c.MemoryBytes = f.dataDir, 0
	}
	switch f.fsync.value {
	case "always":
		c.Fsync = actor.FsyncAlways
	case "never":
		c.Fsync = actor.FsyncNever
	}
	return c
}

func (f *serveFlags) wireConfig() http.Config {
	c := f.wire
	c.Version = Version()
	c.MaxBodyBytes, c.MaxInflightBytes = int(f.sizes.body), int(f.sizes.inflight)
	c.MaxValueBytes, c.MaxKeyBytes, c.MaxHeaderBytes = int(f.sizes.value), int(f.sizes.key), int(f.sizes.header)
	c.DefaultPartitions, c.NoAutoCreate, c.AllowedHosts = f.partitions, !f.autoCreate, f.allowedHosts
	c.NoTopicMetrics = !f.topicMetrics
	if c.SlowRequest == 0 {
		c.SlowRequest = math.MaxInt64 // no request takes that long; http's own 0 is its default
	}
	return c
}

func newLogger(w io.Writer, format, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
