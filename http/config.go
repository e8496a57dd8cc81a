package http

import (
	"crypto/tls"
	"log/slog"
	"net/netip"
	"time"

	"flashq/auth"
	"flashq/broker"
	"flashq/metrics"
)

// Config says what a Server serves and how much it lets in. Sizes are bytes; zero
// fields take the default in brackets.
type Config struct {
	// Broker may be nil while it recovers: Open brings it, and until then only /health and /ready answer.
	Broker broker.Broker
	// Progress tells how many partitions have been recovered, of how many; nil: nobody knows.
	Progress func() (done, total int64)

	Logger *slog.Logger // nil: none
	// AccessLog gets a line for each request; nil is none. AccessDropped tells how many were dropped, where it is not nil.
	AccessLog     *slog.Logger
	AccessDropped func() int64
	// SlowRequest is from when on a request is logged as slow, what it waited for records not counted (1 s).
	SlowRequest time.Duration
	// Metrics is what the engine counts; nil: nothing is known of that.
	Metrics *metrics.Engine
	// NoTopicMetrics leaves single topics and groups out of /metrics: sums stand for them.
	NoTopicMetrics bool

	Version string // shown by /health

	// Tokens are who may do what; nil: everybody may do everything.
	Tokens         *auth.Tokens
	ProtectMetrics bool // /metrics asks for one, too

	MaxBodyBytes     int // of one request, decompressed (16 MiB)
	MaxKeyBytes      int // 1024
	MaxHeaderBytes   int // of one record header's value (1024)
	MaxHeaders       int // per record (100)
	MaxValueBytes    int // 1 MiB
	MaxBatchRecords  int // per JSON request (1000)
	MaxInflightBytes int // of bodies that are not appended yet, and as much again of answers being sent (256 MiB)
	MaxWaiters       int // fetches that wait at one time (10 000)
	MaxStreams       int // live streams that are open at one time (10 000)
	MaxPartitions    int // per topic (broker.DefaultMaxPartitions)
	MaxConnections   int // open at a time; 0 is no bound
	// MaxConnectionsPerAddress are those of one address, but for this machine and trusted proxies (half of all).
	MaxConnectionsPerAddress int

	DefaultPartitions int  // of topics that a produce creates (broker.DefaultPartitions)
	NoAutoCreate      bool // a produce to an unknown topic is 404

	// Certificate gives the TLS certificate to show; nil: plain HTTP. What it gives may change while the server runs.
	Certificate func() *tls.Certificate

	// AllowedHosts are the names beside loopback ones that a Host header may carry on a loopback bind.
	AllowedHosts []string
	// Origins are those of web pages of elsewhere that may talk to the broker (CORS), each as ParseOrigin takes it.
	Origins []string
	// TrustedProxies are addresses whose connections are those of many clients: what one address may hold is no bound on
	// them.
	TrustedProxies []netip.Prefix

	tick time.Duration // of rates; a second, but in tests
}

// MetricsScope is what who asks for metrics needs: they name every topic and group.
func (c *Config) MetricsScope() auth.Scope {
	if c.ProtectMetrics {
		return auth.ReadAll
	}
	return auth.Open
}

// DefaultConfig says what the zero values of a Config mean.
func DefaultConfig() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewEngine()
	}
	orDefault(&c.tick, time.Second)
	orDefault(&c.SlowRequest, time.Second)
	orDefault(&c.MaxBodyBytes, 16<<20)
	orDefault(&c.MaxKeyBytes, 1024)
	orDefault(&c.MaxHeaderBytes, 1024)
	orDefault(&c.MaxHeaders, 100)
	orDefault(&c.MaxValueBytes, 1<<20)
	orDefault(&c.MaxBatchRecords, 1000)
	orDefault(&c.MaxInflightBytes, 256<<20)
	orDefault(&c.MaxWaiters, 10000)
	orDefault(&c.MaxStreams, 10000)
	orDefault(&c.MaxConnectionsPerAddress, c.MaxConnections/2)
	orDefault(&c.MaxPartitions, broker.DefaultMaxPartitions)
	orDefault(&c.DefaultPartitions, broker.DefaultPartitions)
	return c
}

func orDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
