package broker

import (
	"context"
	"time"

	"flashq/metrics"
)

// Figures are what an engine tells of itself to whoever watches over it, at any time: it asks no disk, and waits for
// nobody but, in EachGroup, for the owners of groups.
type Figures interface {
	// EachTopic visits what exists, in no order, internal topics left out, until visit returns false.
	EachTopic(visit func(t Topic) bool)
	// EachGroup visits the groups as Groups("") lists them, in no order, until visit returns false; some at a time, so
	// that not all of them are in memory at once.
	EachGroup(ctx context.Context, visit func(g Group) bool) error
	// Gauges tells how much there is of what is bounded, and what is wrong.
	Gauges() Gauges
}

// Gauges are an engine's figures at one moment.
type Gauges struct {
	Topics, Partitions, Groups, Commits, Keys, Producers, MemberTopics Bounded
	// Memory is of memory storage, in bytes; of an engine on files, it is zero.
	Memory Bounded
	// FailedPartitions take no writes until the broker starts again, FullPartitions found no room lately: the logs of
	// groups and of the topics' settings among them.
	FailedPartitions, FullPartitions int
	// Recovery is how long the start took, DamagedRanges how many ranges of offsets it found that can't be served.
	Recovery      time.Duration
	DamagedRanges int
}

// Bounded is how much there is of something, and how much there may be; 0 is no bound.
type Bounded struct{ Used, Limit int64 }

// Glance is how far a partition is, as of its last change: its owner is not asked.
type Glance struct {
	LogStart, HighWatermark, Bytes int64
	Down                           bool // it failed: the rest may not be known
}

// Watched is what a topic tells without asking anybody.
type Watched interface {
	// Traffic is where what goes into the topic and out of it is counted, by who has it done.
	Traffic() *metrics.Traffic
	// Glance gives a partition's figures; the zero Glance, down, of one that is not there.
	Glance(partition int) Glance
}
