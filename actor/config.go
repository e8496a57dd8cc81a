package actor

import (
	"cmp"
	"log/slog"
	"sync/atomic"
	"time"

	"flashq/segment"
)

// Config says how the engine stores and how much it may hold; the zero value is memory storage with the defaults.
type Config struct {
	// Dir is the data folder for file storage, "" is memory storage.
	Dir string
	// FS replaces both, for tests of storage faults.
	FS segment.FS
	// MemoryBytes bounds memory storage; 0 is no bound.
	MemoryBytes int64
	// BatchBytes is the budget of one gathered write, 0 is 128 KiB.
	BatchBytes int
	// SegmentBytes is where a topic rolls that says nothing else, 0 is 1 GiB.
	SegmentBytes int64
	Fsync        Fsync
	// FsyncInterval is 1 s when 0.
	FsyncInterval time.Duration
	// DefaultPartitions is how many a topic gets that says nothing else, 0 is 1.
	DefaultPartitions int
	// MaxTopics is 10,000 when 0, MaxPartitions (of one topic) 256.
	MaxTopics, MaxPartitions int
	// MaxGroups is 10,000 when 0.
	MaxGroups int
	// MaxMemberTopics bounds the topics that all members together ask for, 0 is 100,000.
	MaxMemberTopics int
	// RetentionCheck is how often age is looked at, 0 is 5 s.
	RetentionCheck time.Duration
	Logger         *slog.Logger // nil is silent
	// Progress is told of the recovery while Open runs; nil is nobody.
	Progress *Progress
}

// Progress counts what Open has done; any goroutine may look.
type Progress struct{ Recovered, Partitions atomic.Int64 }

func (c Config) withDefaults() Config {
	c.BatchBytes = cmp.Or(c.BatchBytes, 128<<10)
	c.SegmentBytes = cmp.Or(c.SegmentBytes, 1<<30)
	c.FsyncInterval = cmp.Or(c.FsyncInterval, time.Second)
	c.DefaultPartitions = cmp.Or(c.DefaultPartitions, 1)
	c.MaxTopics = cmp.Or(c.MaxTopics, 10_000)
	c.MaxPartitions = cmp.Or(c.MaxPartitions, 256)
	c.MaxGroups = cmp.Or(c.MaxGroups, 10_000)
	c.MaxMemberTopics = cmp.Or(c.MaxMemberTopics, 100_000)
	c.RetentionCheck = cmp.Or(c.RetentionCheck, 5*time.Second)
	c.Progress = cmp.Or(c.Progress, &Progress{})
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

func nowMillis() int64 { return time.Now().UnixMilli() }
