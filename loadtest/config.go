package loadtest

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrConfig is returned when a Config asks for what can't be done; nothing was started.
var ErrConfig = errors.New("wrong setting")

// Formats, values, storages and syncs list what the fields of the same names may say, the default first.
var (
	Formats  = []string{"json", "ndjson"}
	Values   = []string{"plain", "json"}
	Storages = []string{"memory", "file"}
	Syncs    = []string{"interval", "always", "never"}
)

const (
	maxBody        = 64 << 20 // what the bare server accepts
	maxBatch       = 100_000
	maxConnections = 10_000
	maxRounds      = 1000
	maxKeys        = 10_000_000
)

// Config says what is driven, with what, and for how long. Zero values are defaults unless said otherwise.
type Config struct {
	Load
	Server

	SkipNoop    bool // drive FlashQ alone: no ratio
	SkipProduce bool // drive the bare server alone

	Target    string // http://host:port of a FlashQ that runs; "" starts one
	ServerPID int    // its process, when it is on this machine: without it, its CPU time is unknown

	Connections int           // 32
	Rounds      int           // 5
	Duration    time.Duration // of each measurement, 5 s; with Requests set: unbounded
	Warmup      time.Duration // before each measurement; zero is none
	Requests    int64         // ends each measurement after so many
	MaxBytes    int64         // of bodies sent to FlashQ in all rounds and warm-ups, 4 GiB

	// Progress is told one line after each measurement; nil is silence.
	Progress func(line string)
}

// Load says what a request carries.
type Load struct {
	Format      string `json:"format"`       // of the body, one of Formats
	Value       string `json:"value"`        // what values look like, one of Values; json needs escapes
	RecordBytes int    `json:"record_bytes"` // of each value, 100
	Batch       int    `json:"batch"`        // records a request, 1
	Keys        int    `json:"keys"`         // distinct keys; zero is no key
	Partitions  int    `json:"partitions"`   // of the topic, 1
}

// Server says how FlashQ is started; empty fields are left to its own defaults, but storage is memory.
type Server struct {
	Storage     string
	Fsync       string
	BatchBytes  int64
	MemoryBytes int64
}

func (c Config) withDefaults() Config {
	c.Format = orDefault(c.Format, Formats[0])
	c.Value = orDefault(c.Value, Values[0])
	c.Storage = orDefault(c.Storage, Storages[0])
	c.RecordBytes = orDefault(c.RecordBytes, 100)
	c.Batch = orDefault(c.Batch, 1)
	c.Partitions = orDefault(c.Partitions, 1)
	c.Connections = orDefault(c.Connections, 32)
	c.Rounds = orDefault(c.Rounds, 5)
	c.MaxBytes = orDefault(c.MaxBytes, 4<<30)
	if c.Requests == 0 {
		c.Duration = orDefault(c.Duration, 5*time.Second)
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// validate judges a Config with its defaults filled in. Its messages name the command's flags.
func (c Config) validate() error {
	return first(
		oneOf("format", c.Format, Formats),
		oneOf("value", c.Value, Values),
		oneOf("storage", c.Storage, Storages),
		oneOf("fsync", orDefault(c.Fsync, Syncs[0]), Syncs),
		between("record-bytes", int64(c.RecordBytes), 1, maxBody/2),
		between("batch", int64(c.Batch), 1, maxBatch),
		between("record-bytes times --batch", int64(c.RecordBytes)*int64(c.Batch), 1, maxBody/2),
		between("keys", int64(c.Keys), 0, maxKeys),
		between("partitions", int64(c.Partitions), 1, 256),
		between("connections", int64(c.Connections), 1, maxConnections),
		between("rounds", int64(c.Rounds), 1, maxRounds),
		atLeastZero("requests", c.Requests),
		atLeastZero("max-bytes", c.MaxBytes),
		atLeastZero("batch-bytes", c.BatchBytes),
		atLeastZero("memory-bytes", c.MemoryBytes),
		atLeastZero("server-pid", int64(c.ServerPID)),
		c.validateTimes(),
		c.validateTarget(),
	)
}

func (c Config) validateTimes() error {
	if c.Duration < 0 || c.Warmup < 0 {
		return fmt.Errorf("%w: negative --duration or --warmup; allowed: such as 5s or 1m30s", ErrConfig)
	}
	return nil
}

func (c Config) validateTarget() error {
	if c.Target == "" {
		if c.ServerPID != 0 {
			return fmt.Errorf("%w: --server-pid without --target; allowed: both or none", ErrConfig)
		}
		return nil
	}
	_, err := targetAddress(c.Target)
	return err
}

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

func oneOf(name, v string, allowed []string) error {
	for _, a := range allowed {
		if v == a {
			return nil
		}
	}
	return fmt.Errorf("%w: --%s %q; allowed: %s", ErrConfig, name, v, strings.Join(allowed, ", "))
}

func between(name string, v, low, high int64) error {
	if v < low || v > high {
		return fmt.Errorf("%w: --%s %d; allowed: %d to %d", ErrConfig, name, v, low, high)
	}
	return nil
}

func atLeastZero(name string, v int64) error {
	if v < 0 {
		return fmt.Errorf("%w: --%s %d; allowed: 0 and more", ErrConfig, name, v)
	}
	return nil
}
