package loadtest

import (
	"errors"
	"time"
)

// ErrConfig is returned when a Config asks for what can't be done; nothing was started.
var ErrConfig = errors.New("wrong setting")

// Workloads are what Run measures.
const (
	Produce  = "produce"
	Consume  = "consume"
	EndToEnd = "e2e"
	Noop     = "noop"
)

// Formats, values, storages and syncs list what the fields of the same names may say, the default first.
var (
	Formats  = []string{"json", "ndjson"}
	Values   = []string{"letters", "json"}
	Storages = []string{"memory", "file"}
	Syncs    = []string{"interval", "always", "never"}
)

const (
	maxBody        = 64 << 20 // what the bare server accepts
	maxBatch       = 100_000
	maxConnections = 10_000
	maxRounds      = 1000
	maxKeys        = 10_000_000
	maxFetch       = 10_000 // records, what a fetch may ask for
)

// Config says what is driven, with what, and for how long. Zero values are defaults unless said otherwise.
type Config struct {
	Workload string // one of the above
	Load
	Server
	Growth

	SkipNoop  bool   // drive FlashQ alone: no ratio
	Target    string // http://host:port of a FlashQ that runs; "" starts one
	Mine      bool   // Target may be beyond loopback: whoever runs this may load it
	ServerPID int    // Target's process, when it is on this machine: without it, its CPU time is unknown
	Topic     string // "" makes a fresh one for each round, and deletes it

	Connections int           // 32
	Consumers   int           // of e2e: 1
	Rounds      int           // 5
	Duration    time.Duration // of each measurement, 5 s; with Records set: unbounded
	Warmup      time.Duration // before each measurement; zero is none
	Records     int64         // ends each measurement after so many
	Rate        float64       // records due each second: an open loop; zero is a closed one
	Timeout     time.Duration // of one answer, 10 s
	MaxBytes    int64         // of bodies sent to FlashQ in all rounds and warm-ups, 4 GiB
	Pin         bool          // started servers to all processors but the last, this process to that one

	// Progress is told one line now and then and after each measurement; nil is silence.
	Progress func(line string)
	// Live is told several times a second how a measurement goes; nil is for nobody.
	Live func(Live)
}

// Load says what a request carries.
type Load struct {
	Format     string `json:"format"`            // of the body, one of Formats
	Value      string `json:"value"`             // what values look like, one of Values; json needs escapes
	Size       int    `json:"size"`              // bytes of each value, 100; with Payload: on average
	Batch      int    `json:"batch"`             // records a request, 1
	Keys       int    `json:"keys"`              // distinct keys; zero is no key
	Partitions int    `json:"partitions"`        // of the topic, 1
	Seed       uint64 `json:"seed"`              // of the values, 1
	Payload    string `json:"payload,omitempty"` // a file whose lines are the values
}

// Server says how FlashQ is started; empty fields are left to its own defaults, but storage is memory.
type Server struct {
	Storage        string
	Fsync          string
	BatchBytes     int64
	MemoryBytes    int64
	RetentionBytes int64 // of each partition of the topics that are made, also on Target; zero is no bound
}

// Growth is what FlashQ has to do beside the load. Where any is asked for, the other side of the ratio is a FlashQ
// without it.
type Growth struct {
	IdleTopics int `json:"idle_topics,omitempty"` // topics that nobody uses
	Parked     int `json:"parked,omitempty"`      // long polls that wait
}

func (g Growth) some() bool { return g != Growth{} }

func (c Config) withDefaults() Config {
	c.Workload = orDefault(c.Workload, Produce)
	c.Format = orDefault(c.Format, Formats[0])
	c.Value = orDefault(c.Value, Values[0])
	c.Storage = orDefault(c.Storage, Storages[0])
	c.Size = orDefault(c.Size, 100)
	c.Batch = orDefault(c.Batch, 1)
	c.Partitions = orDefault(c.Partitions, 1)
	c.Seed = orDefault(c.Seed, 1)
	c.Connections = orDefault(c.Connections, 32)
	c.Consumers = orDefault(c.Consumers, 1)
	c.Rounds = orDefault(c.Rounds, 5)
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.MaxBytes = orDefault(c.MaxBytes, 4<<30)
	if c.Records == 0 {
		c.Duration = orDefault(c.Duration, 5*time.Second)
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
func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
