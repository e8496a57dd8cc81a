package actor

import (
	"cmp"
	"log/slog"
	"sync/atomic"
	"time"

	"flashq/broker"
	"flashq/metrics"
	"flashq/segment"
)

// Config says how the engine stores and how much it may hold. A zero field takes DefaultConfig's; the zero value is
// memory storage.
type Config struct {
	// Dir is the data folder for file storage, "" is memory storage.
	Dir string
	// FS replaces both, for tests of storage faults.
	FS segment.FS
	// MemoryBytes bounds memory storage; 0 is no bound.
	MemoryBytes int64
	// BatchBytes is the budget of one gathered write.
	BatchBytes int
	// SegmentBytes is where a topic rolls that has no bound of its own.
	SegmentBytes  int64
	Fsync         Fsync
	FsyncInterval time.Duration
	// DefaultPartitions is how many a topic gets that was made without a number.
	DefaultPartitions int
	// MaxPartitions is of one topic, MaxPartitionsTotal of all: an idle one takes some 10 KB. MaxCommits is of all groups,
	// which count as one each, too; every broker.CommitBytes of names and metadata count as one more.
	MaxTopics, MaxPartitions, MaxPartitionsTotal, MaxGroups, MaxCommits int
	// MaxMemberTopics bounds the topics that all members together ask for.
	MaxMemberTopics int
	// MaxKeys bounds the idempotency keys that are known at a time, each counted once for each partition that it has
	// records in, MaxProducers the producers with ids of their own, likewise. One of either takes some 200 bytes.
	MaxKeys, MaxProducers int
	// MaxFiles bounds the files that are open at a time, MaxLogs the partitions and shards of groups, each of which has
	// one open; 0 is no bound.
	MaxFiles, MaxLogs int
	// SyncWorkers and ReadWorkers bound how many syncs run at a time, and reads of what is not in the page cache: each
	// holds a thread for as long as the disk takes.
	SyncWorkers, ReadWorkers int
	// RetentionCheck is how often it is looked at whose age is due.
	RetentionCheck time.Duration
	Logger         *slog.Logger // nil is silent
	// Metrics counts what the engine does; nil is for nobody.
	Metrics *metrics.Engine
	// Progress is told of the recovery while Open runs; nil is nobody.
	Progress *Progress
}

// DefaultConfig is memory storage without a bound. The command line's defaults come from here.
func DefaultConfig() Config {
	return Config{
		BatchBytes:         128 << 10,
		SegmentBytes:       1 << 30,
		FsyncInterval:      time.Second,
		DefaultPartitions:  broker.DefaultPartitions,
		MaxTopics:          10_000,
		MaxPartitions:      broker.DefaultMaxPartitions,
		MaxPartitionsTotal: 100_000,
		MaxGroups:          10_000,
		MaxCommits:         1_000_000,
		MaxMemberTopics:    100_000,
		MaxKeys:            1_000_000,
		MaxProducers:       1_000_000,
		SyncWorkers:        segment.DefaultLimits().Syncs,
		ReadWorkers:        segment.DefaultLimits().Reads,
		RetentionCheck:     time.Second,
	}
}

// Progress counts what Open has done; any goroutine may read it.
type Progress struct{ Recovered, Partitions atomic.Int64 }

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	c.BatchBytes = cmp.Or(c.BatchBytes, d.BatchBytes)
	c.SegmentBytes = cmp.Or(c.SegmentBytes, d.SegmentBytes)
	c.FsyncInterval = cmp.Or(c.FsyncInterval, d.FsyncInterval)
	c.DefaultPartitions = cmp.Or(c.DefaultPartitions, d.DefaultPartitions)
	c.MaxTopics = cmp.Or(c.MaxTopics, d.MaxTopics)
	c.MaxPartitions = cmp.Or(c.MaxPartitions, d.MaxPartitions)
	c.MaxPartitionsTotal = cmp.Or(c.MaxPartitionsTotal, d.MaxPartitionsTotal)
	c.MaxGroups = cmp.Or(c.MaxGroups, d.MaxGroups)
	c.MaxCommits = cmp.Or(c.MaxCommits, d.MaxCommits)
	c.MaxMemberTopics = cmp.Or(c.MaxMemberTopics, d.MaxMemberTopics)
	c.MaxKeys = cmp.Or(c.MaxKeys, d.MaxKeys)
	c.MaxProducers = cmp.Or(c.MaxProducers, d.MaxProducers)
	c.SyncWorkers = cmp.Or(c.SyncWorkers, d.SyncWorkers)
	c.ReadWorkers = cmp.Or(c.ReadWorkers, d.ReadWorkers)
	c.RetentionCheck = cmp.Or(c.RetentionCheck, d.RetentionCheck)
	c.Metrics = cmp.Or(c.Metrics, metrics.NewEngine())
	c.Progress = cmp.Or(c.Progress, &Progress{})
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

func nowMillis() int64 { return time.Now().UnixMilli() }

// started is where the steady clock begins.
var started = time.Now()

func moment() segment.Moment {
	now := time.Now()
	return segment.Moment{Wall: now.UnixMilli(), Steady: now.Sub(started).Milliseconds()}
}
