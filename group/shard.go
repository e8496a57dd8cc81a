package group

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"flashq/broker"
	"flashq/segment/batch"
)

// Shard is the groups whose commits share one log. All methods belong to its one owner.
type Shard struct {
	groups map[string]*state
	floor  int32 // no generation of a group that is no more is above it
	weight int64 // see Weight
	bytes  int64 // see SnapshotBytes
	epoch  int32 // see Enter

	// What is in no log.
	leases        leases
	subscriptions int
	tick          uint64           // gives numbers for seen and born
	touched       map[string]bool  // groups, see Touched
	unwritten     map[meeting]bool // see Keep
	rewriteAt     int64            // when they are to be written, milliseconds
	scratch       scratch
}

// state is one group.
type state struct {
	explicit   bool // was asked for by name: it is kept without a commit
	start      string
	generation int32              // grows with each change of the members or of what they read
	commits    map[string]commits // by topic; no empty ones
	met        map[string]bool    // topics, see Meet; nil where there are none

	// What is in no log; nil without members.
	members  map[string]*member
	assigned map[string]*assignment // by topic, of those that a member asks for
	changed  []*assignment          // topics that are to be assigned anew; some are forgotten by then
	moved    []*member              // whose load has changed since the last balance
	seen     uint64                 // see Shard.Seen
}

func notFound(name string) error {
	return &broker.GroupError{Group: name, Err: broker.ErrGroupNotFound}
}

func memberNotFound(group, name string) error {
	return &broker.MemberError{Group: group, Member: name, Err: broker.ErrMemberNotFound}
}

// NewShard makes a shard without groups.
func NewShard() *Shard {
	return &Shard{groups: map[string]*state{}, touched: map[string]bool{}, unwritten: map[meeting]bool{}}
}

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
		g = &state{start: broker.StartEarliest, commits: map[string]commits{}}
		s.groups[name] = g
		s.weight += weigh(len(name))
		s.bytes += groupBytes + int64(len(name))
		s.touchGroup(name)
	}
	return g
}

func (s *Shard) setCommit(group, topic string, c commit) {
	g := s.group(group)
	if old, found := g.commits[topic].of(c.partition); found {
		s.lose(group, topic, old)
	}
	s.gain(group, topic, c)
	g.commits[topic] = g.commits[topic].with(c)
}

func (s *Shard) dropCommit(group, topic string, partition int32) {
	g := s.groups[group]
	switch {
	case g == nil:
		return
	case partition == noPartition:
		s.forgetMet(group, g, topic)
	default:
		if old, found := g.commits[topic].of(partition); found {
			s.lose(group, topic, old)
			g.keep(topic, g.commits[topic].without(partition))
		}
	}
	s.dropEmpty(group, g)
}

// keep sets a group's commits to a topic.
func (g *state) keep(topic string, left commits) {
	if g.commits[topic] = left; len(left) == 0 {
		delete(g.commits, topic)
	}
}

// dropGroup takes back that a group was asked for; its commits have tombstones of their own.
func (s *Shard) dropGroup(name string) {
	if g := s.groups[name]; g != nil {
		s.floor = max(s.floor, g.generation)
		g.explicit, g.start, g.generation = false, broker.StartEarliest, 0
		s.dropEmpty(name, g)
	}
}

// dropEmpty forgets a group that has neither members nor commits nor was asked for. What it has met goes by records of
// its own, as commits do.
func (s *Shard) dropEmpty(name string, g *state) {
	if !g.explicit && len(g.commits) == 0 && len(g.met) == 0 && len(g.members) == 0 {
		s.floor = max(s.floor, g.generation)
		s.weight -= weigh(len(name))
		s.bytes -= groupBytes + int64(len(name))
		delete(s.groups, name)
	}
}

// epochStep is how far generations go on when a power cut may have taken some: more than there can have been since the
// last sync.
const epochStep = 1 << 20

// Enter tells in which leader epoch of the log the next batch was, or will be, written. A new epoch begins where the
// end of the log may be lost: generations that were given out then are not given out again.
func (s *Shard) Enter(epoch int32) {
	if epoch <= s.epoch {
		return
	}
	step := int64(epoch-s.epoch) * epochStep
	later := func(generation int32) int32 { return int32(min(int64(generation)+step, math.MaxInt32)) }
	s.epoch, s.floor = epoch, later(s.floor)
	for _, g := range s.groups {
		if g.generation > 0 {
			g.generation = later(g.generation)
		}
	}
}

// Prune forgets commits for topics that are not there any more, and groups that only had members; the log follows at
// its next Snapshot. It runs after the log's replay.
func (s *Shard) Prune(there func(topic string, id [16]byte) bool) {
	for name, g := range s.groups {
		for topic := range g.commits {
			g.keep(topic, slices.DeleteFunc(g.commits[topic], func(c commit) bool {
				if there(topic, c.topicID) {
					return false
				}
				s.lose(name, topic, c)
				return true
			}))
		}
		for topic := range g.met {
			if !g.explicit { // its end is damaged in the log
				s.forgetMet(name, g, topic)
			}
		}
		s.dropEmpty(name, g)
	}
}

// Clamp moves commits back that are ahead of what their partition still holds of their epoch: offsets beyond end were
// lost and may be given out again. ok is false where nothing is known.
func (s *Shard) Clamp(end func(topic string, partition, epoch int32) (end int64, ok bool)) {
	for _, g := range s.groups {
		for topic, all := range g.commits {
			for i := range all {
				c := &all[i]
				if e, ok := end(topic, c.partition, c.epoch); ok && c.offset > e {
					c.truncated, c.offset = c.offset-e, e
				}
			}
		}
	}
}
