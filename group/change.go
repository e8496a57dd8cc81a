package group

import (
	"maps"
	"math"
	"slices"

	"flashq/segment/batch"
)

// Plan is what was asked for and may be done: Batch is written first, unless it is nil; then, when it was replayed,
// Apply does what is in no log, unless it is nil. Nothing else may be asked for in between.
type Plan struct {
	Batch batch.Batch
	Apply func()
}

// Put asks for a group by name. start "" leaves that of a group that exists, and is earliest for a new one. created
// tells that there was none.
func (s *Shard) Put(name, start string, now int64) (created bool, c Plan) {
	g := s.groups[name]
	after := state{start: StartEarliest, explicit: true}
	if g != nil {
		after.start, after.generation = g.start, g.generation
	}
	if start != "" {
		after.start = start
	}
	if g != nil && g.explicit && g.start == after.start {
		return false, Plan{}
	}
	var w batch.Builder
	w.Add(now, groupKey(name), after.encode(now))
	return g == nil, Plan{Batch: w.Finish()}
}

// say writes that a group is in its next generation.
func (s *Shard) say(w *batch.Builder, name string, now int64) {
	after := state{start: StartEarliest}
	if g := s.groups[name]; g != nil {
		after.explicit, after.start, after.generation = g.explicit, g.start, g.generation
	}
	if after.generation == 0 {
		after.generation = s.floor // of another group of the name, maybe
	}
	if after.generation < math.MaxInt32 {
		after.generation++
	}
	w.Add(now, groupKey(name), after.encode(now))
}

// Delete asks for the end of a group with its commits and, where force allows it, its members: ErrUnknown, ErrActive.
func (s *Shard) Delete(name string, force bool, now int64) (Plan, error) {
	g := s.groups[name]
	switch {
	case g == nil:
		return Plan{}, ErrUnknown
	case !force && g.active(now):
		return Plan{}, ErrActive
	}
	var w batch.Builder
	for topic := range g.commits {
		g.bury(&w, name, topic, now)
	}
	if g.explicit || g.generation > 0 {
		w.Add(now, groupKey(name), nil)
	}
	return Plan{Batch: w.Finish(), Apply: func() {
		for _, m := range g.members {
			s.exit(g, m)
		}
		s.touchGroup(name)
	}}, nil
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
// asked again until there are none, and nothing is to be written.
func (s *Shard) Forget(topic string, id [16]byte, now int64) Plan {
	var w batch.Builder
	for name, g := range s.groups {
		for p, c := range g.commits[topic] {
			if c.TopicID == id && w.Count() < forgetAtOnce {
				w.Add(now, commitKey(name, topic, p), nil)
			}
		}
	}
	return Plan{Batch: w.Finish()}
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

// Move is a commit, or a reset, which is a commit by another name.
type Move struct {
	Group  string
	Wishes []Wish // all or none
	Ack    bool   // only forward: a commit that is there already at or beyond the wish stays
	// Member is who asks, for partitions that it holds since Generation; "" is nobody, and then no member may live,
	// unless Force says that it is to be done all the same.
	Member     string
	Generation int64
	Force      bool
}

// Commit asks for offsets: ErrTooMany, ErrActive, or a FencedError. The results stand in the order of the wishes.
func (s *Shard) Commit(c Move, now int64) ([]Result, Plan, error) {
	g := s.groups[c.Group]
	active := g.active(now)
	switch {
	case c.Member != "":
		if err := g.fence(c.Member, c.Generation, c.Wishes, now); err != nil {
			return nil, Plan{}, err
		}
	case active && !c.Force:
		return nil, Plan{}, ErrActive
	}
	var w batch.Builder
	if c.Member == "" && active {
		s.say(&w, c.Group, now)
	}
	results, err := s.wish(&w, c.Group, c.Wishes, c.Ack, now)
	if err != nil {
		return nil, Plan{}, err
	}
	return results, Plan{Batch: w.Finish(), Apply: func() { s.moved(c, active, now) }}, nil
}

// moved tells whom it concerns that offsets were moved. A member's own commit renews its lease, and makes it give
// nothing up: its answer has no place to say so. Where somebody else moved offsets below living members, what they
// acknowledge from before does not count any more.
func (s *Shard) moved(c Move, active bool, now int64) {
	g := s.groups[c.Group]
	switch {
	case g == nil:
	case c.Member != "":
		if m := g.members[c.Member]; m != nil {
			s.renew(m, now)
		}
	case active:
		for _, wish := range c.Wishes {
			if h := g.shares[wish.Topic]; h != nil && int(wish.Partition) < len(h.slots) {
				slot := &h.slots[wish.Partition]
				slot.since = g.generation
				s.touch(slot.owner)
			}
		}
	case !c.Ack:
		s.touchGroup(c.Group)
	}
}

// wish writes offsets. An ack only moves forward.
func (s *Shard) wish(w *batch.Builder, name string, wishes []Wish, ack bool, now int64) ([]Result, error) {
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
	if added > 0 && s.commits(name)+added > MaxCommits {
		return nil, ErrTooMany
	}
	return results, nil
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
