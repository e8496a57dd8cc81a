package group

import (
	"errors"
	"fmt"

	"flashq/segment/batch"
)

// Where a group begins in a partition that it has no commit for.
const (
	StartEarliest = "earliest"
	StartLatest   = "latest"
)

var (
	// ErrUnknown is returned for a group that is not stored.
	ErrUnknown = errors.New("no such group")
	// ErrTooMany is returned when a group would have more than MaxCommits.
	ErrTooMany = errors.New("too many commits in one group")
)

// Shard is the groups whose commits share one log. All methods belong to its one owner.
type Shard struct {
	groups map[string]*state
}

// state is one group.
type state struct {
	explicit   bool // was asked for by name: it stays without a commit
	start      string
	generation int32
	commits    map[string]map[int32]Commit // by topic and partition; no empty inner map
}

// Commit is what a group committed in one partition.
type Commit struct {
	TopicID   [16]byte // of the topic that had the name then: another one of the same name has no commit
	Offset    int64    // of the next record to read
	Epoch     int32    // the partition's leader epoch at the time
	Metadata  string
	Timestamp int64 // when, milliseconds
	// Truncated is how far Clamp moved Offset back; it is in no log.
	Truncated int64
}

// NewShard makes a shard without groups.
func NewShard() *Shard { return &Shard{groups: map[string]*state{}} }

// Has tells whether a group is stored.
func (s *Shard) Has(name string) bool { return s.groups[name] != nil }

// Len is the number of groups.
func (s *Shard) Len() int { return len(s.groups) }

// Replay makes what a batch of the log says so. Records that can't be read are left out and named in the error.
func (s *Shard) Replay(b batch.Batch) error {
	var all error
	it := b.Records()
	for it.Next() {
		if err := s.replay(&it.Record); err != nil {
			all = errors.Join(all, fmt.Errorf("offset %d: %w", b.BaseOffset()+int64(it.Record.OffsetDelta), err))
		}
	}
	return errors.Join(all, it.Err())
}

// group finds a group, or makes it.
func (s *Shard) group(name string) *state {
	g := s.groups[name]
	if g == nil {
		g = &state{start: StartEarliest, commits: map[string]map[int32]Commit{}}
		s.groups[name] = g
	}
	return g
}

func (s *Shard) setCommit(group, topic string, partition int32, c Commit) {
	g := s.group(group)
	if g.commits[topic] == nil {
		g.commits[topic] = map[int32]Commit{}
	}
	g.commits[topic][partition] = c
}

func (s *Shard) dropCommit(group, topic string, partition int32) {
	g := s.groups[group]
	if g == nil {
		return
	}
	delete(g.commits[topic], partition)
	if len(g.commits[topic]) == 0 {
		delete(g.commits, topic)
	}
	s.dropEmpty(group, g)
}

// dropGroup takes back that a group was asked for; its commits have tombstones of their own.
func (s *Shard) dropGroup(name string) {
	if g := s.groups[name]; g != nil {
		g.explicit, g.start, g.generation = false, StartEarliest, 0
		s.dropEmpty(name, g)
	}
}

// dropEmpty forgets a group that has neither commits nor was asked for.
func (s *Shard) dropEmpty(name string, g *state) {
	if !g.explicit && len(g.commits) == 0 {
		delete(s.groups, name)
	}
}

// Prune forgets commits for topics that are not there any more; the log follows at its next Snapshot.
func (s *Shard) Prune(there func(topic string, id [16]byte) bool) {
	for name, g := range s.groups {
		for topic, partitions := range g.commits {
			for p, c := range partitions {
				if !there(topic, c.TopicID) {
					delete(partitions, p)
				}
			}
			if len(partitions) == 0 {
				delete(g.commits, topic)
			}
		}
		s.dropEmpty(name, g)
	}
}

// Clamp moves commits back that are ahead of what their partition still holds of their epoch: offsets beyond end were
// lost and may be given out again. ok is false where nothing is known.
func (s *Shard) Clamp(end func(topic string, partition, epoch int32) (end int64, ok bool)) {
	for _, g := range s.groups {
		for topic, partitions := range g.commits {
			for p, c := range partitions {
				if e, ok := end(topic, p, c.Epoch); ok && c.Offset > e {
					c.Truncated, c.Offset = c.Offset-e, e
					partitions[p] = c
				}
			}
		}
	}
}
