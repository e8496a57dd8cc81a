package group

import (
	"fmt"

	"flashq/broker"
	"flashq/segment/batch"
)

// A group that starts at the latest begins where a topic ended when the group first met it. The log has a commit in
// each partition that was there, and a note that the topic was met. From then on a partition without a commit begins at
// 0; so do those of a topic that is made later, or anew.

// Meeting is a topic that a group meets.
type Meeting struct {
	Topic   string
	Ends    []broker.CommitOffset // of its partitions, as far as their owners told; none while there is no such topic
	Origins []Origin              // of Ends
}

// UnmetError is returned for what a group can't do before it has met some topics.
type UnmetError struct{ Topics []string }

func (e *UnmetError) Error() string { return fmt.Sprintf("topics %v are not met yet", e.Topics) }

// met is the value of a note that a topic was met.
var met = commit{}

// meeting is a topic that a group has met.
type meeting struct{ group, topic string }

// Unmet tells whether a group still has to meet a topic. One that is not there does not.
func (s *Shard) Unmet(group, topic string) bool {
	return len(s.groups[group].unmet([]string{topic})) > 0
}

func (g *state) unmet(topics []string) (all []string) {
	if g == nil || g.start != broker.StartLatest {
		return nil
	}
	for _, topic := range topics {
		if !g.met[topic] {
			all = append(all, topic)
		}
	}
	return all
}

// forgetMet forgets that a group has met a topic.
func (s *Shard) forgetMet(name string, g *state, topic string) {
	if g.met[topic] {
		s.lose(name, topic, met)
	}
	delete(g.met, topic)
}

func (s *Shard) setMet(group, topic string) {
	g := s.group(group)
	if g.met == nil {
		g.met = map[string]bool{}
	}
	if !g.met[topic] {
		s.gain(group, topic, met)
	}
	g.met[topic] = true
}

// Meet plans that a group begins at these ends wherever it has no commit yet; nothing where it has met the topics
// already: GroupError around ErrGroupNotFound or ErrTooManyCommits.
func (s *Shard) Meet(group string, meetings []Meeting, room Room, now int64) (Plan, error) {
	g := s.groups[group]
	if g == nil {
		return Plan{}, notFound(group)
	}
	var w batch.Builder
	heavier := int64(0)
	for _, m := range meetings {
		if len(g.unmet([]string{m.Topic})) == 0 {
			continue
		}
		for i, end := range m.Ends {
			if _, found := s.find(group, end, m.Origins[i]); !found {
				c := commit{topicID: m.Origins[i].TopicID, offset: end.Offset, epoch: m.Origins[i].Epoch, timestamp: now}
				w.Add(now, commitKey(group, m.Topic, int32(end.Partition)), c.encode())
				heavier += weightOf(group, m.Topic, c)
			}
		}
		heavier += weightOf(group, m.Topic, met)
		w.Add(now, commitKey(group, m.Topic, noPartition), met.encode())
	}
	if err := s.roomFor(group, w.Count(), heavier, room); err != nil {
		return Plan{}, err
	}
	return Plan{Batch: w.Finish()}, nil
}

// Keep is a plan of Meet for want of room: it is so in memory, until Rewrite writes it.
func (s *Shard) Keep(p Plan, group string, meetings []Meeting, now int64) Plan {
	return Plan{Apply: func() {
		if p.Batch == nil {
			return
		}
		_ = s.Replay(p.Batch) // it was made just now
		for _, m := range meetings {
			s.unwritten[meeting{group, m.Topic}] = true
		}
		s.rewriteAt = now + retryAfter
	}}
}

// Rewrite plans that what stands in memory only is written: as it is by now, since what came after may be in the log.
func (s *Shard) Rewrite(now int64) Plan {
	if len(s.unwritten) == 0 || now < s.rewriteAt {
		return Plan{}
	}
	var w batch.Builder
	for m := range s.unwritten {
		g := s.groups[m.group]
		if g == nil || !g.met[m.topic] {
			continue // it was deleted meanwhile
		}
		w.Add(now, commitKey(m.group, m.topic, noPartition), met.encode())
		for _, c := range g.commits[m.topic] {
			w.Add(now, commitKey(m.group, m.topic, c.partition), c.encode())
		}
	}
	return Plan{Batch: w.Finish(), Apply: func() { clear(s.unwritten) }} // nothing is planned in between
}
