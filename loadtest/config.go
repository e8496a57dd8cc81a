package loadtest

import (
	"cmp"
	"crypto/tls"
	"errors"
	"time"

	"flashq/loadtest/report"
)

var (
	// ErrConfig is returned when a Config asks for what can't be done; nothing was started.
	ErrConfig = errors.New("wrong setting")
	// ErrUnreachable is returned when nobody listens at the Target; nothing was started.
	ErrUnreachable = errors.New("unreachable")
)

const (
	maxBody        = 64 << 20 // what the bare server accepts
	maxBatch       = 100_000
	maxConnections = 10_000
	maxStreams     = 20_000
	maxRounds      = 1000
	maxKeys        = 10_000_000
	maxFetch       = 10_000 // records, what a fetch may ask for
)

// Config says what is driven, with what, and for how long. Zero values are defaults unless said otherwise.
type Config struct {
	Workload string // one of the above
	report.Load
	Server
	report.Growth

	SkipNoop  bool        // drive FlashQ alone: no ratio
	Beside    string      // what produce and consume are compared with: "noop", or the same server with this format
	Target    string      // host:port of a FlashQ that runs, or http:// or https:// before it; "" starts one
	Token     string      // for each request to Target; "" sends none
	TLS       *tls.Config // of an https Target; nil trusts whom the system trusts
	Mine      bool        // Target may be beyond loopback: whoever runs this may load it
	ServerPID int         // Target's process, when it is on this machine: without it, its CPU time is unknown
	Topic     string      // "" makes a fresh one for each round, and deletes it

	Connections int           // 32
	Consumers   int           // of e2e: 1
	Streams     int           // of subscribe: 1000
	Rounds      int           // 5
	Duration    time.Duration // of each measurement, 5 s; with Records set: unbounded
	Warmup      time.Duration // before each measurement; zero is none
	Records     int64         // ends each measurement after so many
	Replay      float64       // of Idempotent requests: the share that is sent once more, 0 to 1
	Rate        float64       // records due each second: an open loop; zero is a closed one
	Timeout     time.Duration // of one answer, 10 s
	MaxBytes    int64         // of bodies sent to FlashQ in all rounds and warm-ups, 4 GiB
	Pin         bool          // started servers to all processors but the last, this process to that one

	Version string // of this program, for the report

	// Progress is told one line now and then and after each measurement; nil is silence.
	Progress func(line string)
	// Live is told several times a second how a measurement goes; nil is for nobody.
	Live func(Live)

	portable bool          // what load generation has to do with on other systems
	quiet    time.Duration // after the last request, until what is missing on streams counts as lost
}

// Server says how FlashQ is started; empty fields are left to its own defaults, but storage is memory.
type Server struct {
	Storage        string
	Fsync          string
	BatchBytes     int64
	MemoryBytes    int64
	RetentionBytes int64 // of each partition of the topics that are made, also on Target; zero is no bound
}

func (c Config) withDefaults() Config {
	c.Workload = cmp.Or(c.Workload, report.Produce)
	c.Format = cmp.Or(c.Format, report.Formats[0])
	c.Value = cmp.Or(c.Value, report.Values[0])
	c.Storage = cmp.Or(c.Storage, report.Storages[0])
	c.Beside = cmp.Or(c.Beside, report.Noop)
	if c.Compression == report.Compressions[0] {
		c.Compression = ""
	}
	switch c.Workload {
	case report.EndToEnd:
		c.Answers = cmp.Or(c.Answers, "ndjson")
	case report.Subscribe:
		c.Answers = cmp.Or(c.Answers, report.StreamFormats[0])
	}
	c.Size = cmp.Or(c.Size, 100)
	c.Batch = cmp.Or(c.Batch, 1)
	c.Partitions = cmp.Or(c.Partitions, 1)
	c.Seed = cmp.Or(c.Seed, 1)
	c.Connections = cmp.Or(c.Connections, 32)
	c.Consumers = cmp.Or(c.Consumers, 1)
	c.Streams = cmp.Or(c.Streams, 1000)
	c.Rounds = cmp.Or(c.Rounds, 5)
	c.quiet = cmp.Or(c.quiet, 3*time.Second)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.MaxBytes = cmp.Or(c.MaxBytes, 4<<30)
	if c.Records == 0 {
		c.Duration = cmp.Or(c.Duration, 5*time.Second)
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// requests is how many requests end a measurement; zero is any number.
func (c Config) requests() int64 { return (c.Records + int64(c.Batch) - 1) / int64(c.Batch) }

// perSecond is how many requests are due each second; zero is a closed loop.
func (c Config) perSecond() float64 { return c.Rate / float64(c.Batch) }
