package group

import (
	"fmt"
	"maps"
	"slices"

	"flashq/segment/batch"
)

// Put asks for a group by name. start "" leaves that of a group that exists, and is earliest for a new one. created
// tells that there was none; the batch is nil when there is nothing to change.
func (s *Shard) Put(name, start string, now int64) (created bool, b batch.Batch) {
	g := s.groups[name]
	after := state{start: StartEarliest}
	if g != nil {
		after.start, after.generation = g.start, g.generation
	}
	if start != "" {
		after.start = start
	}
	if g != nil && g.explicit && g.start == after.start {
		return false, nil
	}
	var w batch.Builder
	w.Add(now, groupKey(name), after.encode(now))
	return g == nil, w.Finish()
}

// Delete asks for the end of a group with its commits: ErrUnknown.
func (s *Shard) Delete(name string, now int64) (batch.Batch, error) {
	g := s.groups[name]
	if g == nil {
		return nil, ErrUnknown
	}
	var w batch.Builder
	for topic := range g.commits {
		g.bury(&w, name, topic, now)
	}
	if g.explicit {
		w.Add(now, groupKey(name), nil)
	}
	return w.Finish(), nil
}

// bury writes tombstones for a group's commits to one topic.
func (g *state) bury(w *batch.Builder, name, topic string, now int64) {
	for _, p := range slices.Sorted(maps.Keys(g.commits[topic])) {
		w.Add(now, commitKey(name, topic, p), nil)
	}
}

// forgetAtOnce bounds the tombstones of one Forget.
const forgetAtOnce = 10_000

// Forget asks for the end of commits to a topic that was deleted: of so many of them that the batch stays small. It is
// asked again until there are none, and the batch is nil.
func (s *Shard) Forget(topic string, id [16]byte, now int64) batch.Batch {
	var w batch.Builder
	for name, g := range s.groups {
		for p, c := range g.commits[topic] {
			if c.TopicID == id && w.Count() < forgetAtOnce {
				w.Add(now, commitKey(name, topic, p), nil)
			}
		}
	}
	return w.Finish()
}

// Wish is an offset that is to be committed: what its owner said of the partition is in Commit.
type Wish struct {
	Topic     string
	Partition int32
	Commit
}

// Result is what a Wish comes to.
type Result struct {
	Offset    int64
	Previous  int64 // -1 without one
	Timestamp int64
}

// MaxCommits bounds the commits of one group, so that its end fits into one batch.
const MaxCommits = 100_000

// Commit asks for offsets, all in one batch: ErrTooMany. An ack only moves forward: where a commit is there already at
// or beyond the wish, that one stays. The batch is nil when nothing changes.
func (s *Shard) Commit(name string, wishes []Wish, ack bool, now int64) ([]Result, batch.Batch, error) {
	var w batch.Builder
	results := make([]Result, len(wishes))
	added := 0
	for i, wish := range wishes {
		old, found := s.find(name, wish)
		switch {
		case found && ack && old.Offset >= wish.Offset:
			results[i] = Result{Offset: old.Offset, Previous: old.Offset, Timestamp: old.Timestamp}
			continue
		case found:
			results[i] = Result{Offset: wish.Offset, Previous: old.Offset, Timestamp: now}
		default:
			results[i] = Result{Offset: wish.Offset, Previous: -1, Timestamp: now}
			added++
		}
		c := wish.Commit
		c.Timestamp = now
		w.Add(now, commitKey(name, wish.Topic, wish.Partition), c.encode())
	}
	if s.commits(name)+added > MaxCommits {
		return nil, nil, ErrTooMany
	}
	return results, w.Finish(), nil
}

// commits counts a group's commits.
func (s *Shard) commits(name string) (n int) {
	if g := s.groups[name]; g != nil {
		for _, partitions := range g.commits {
			n += len(partitions)
		}
	}
	return n
}

// find looks a commit up that is for the same topic, not just for its name.
func (s *Shard) find(name string, w Wish) (Commit, bool) {
	g := s.groups[name]
	if g == nil {
		return Commit{}, false
	}
	c, ok := g.commits[w.Topic][w.Partition]
	return c, ok && c.TopicID == w.TopicID
}

// snapshotBatch bounds one batch of a snapshot in bytes.
const snapshotBatch = 256 << 10

// Snapshot says all that counts again, in batches: after them nothing older in the log is needed. It ends with put's
// first error.
func (s *Shard) Snapshot(now int64, put func(batch.Batch) error) error {
	var w batch.Builder
	flush := func() error {
		if b := w.Finish(); b != nil {
			if err := put(b); err != nil {
				return fmt.Errorf("snapshot: %w", err)
			}
		}
		w.Reset(nil) // the storage may have kept the bytes
		return nil
	}
	for name, g := range s.groups {
		if g.explicit {
			w.Add(now, groupKey(name), g.encode(now))
		}
		for topic, partitions := range g.commits {
			for p, c := range partitions {
				w.Add(now, commitKey(name, topic, p), c.encode())
				if len(w.Buf) < snapshotBatch {
					continue
				}
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}
