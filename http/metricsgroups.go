package http

import (
	"context"
	"errors"
	"strconv"
	"time"

	"flashq/broker"
	"flashq/http/fetch"
	"flashq/metrics"
)

// groupParts are the families of consumer groups.
type groupParts struct {
	members, committed, lag, seconds *metrics.Part

	server *Server
	env    fetch.Env
	call   *call
	topics map[string]broker.Topic
	now    int64
	sums   groupSums
	room   []byte
}

// groupSums are of all groups.
type groupSums struct {
	members, lag int64
	seconds      float64 // the largest
}

// groupsPatience is how long the owners of groups may take to tell of them. A page without some is better than none
// while a disk hangs.
const groupsPatience = 2 * time.Second

// writeGroups writes how far groups are, or the sums of that.
func (s *Server) writeGroups(p *metrics.Page, c *call, topics map[string]broker.Topic) (err error) {
	w := groupParts{
		members: p.Part(gauge("flashq_group_members", "Members that live.")),
		committed: p.Part(gauge("flashq_group_committed_offset",
			"Offset of the next record that the group reads, as it committed.")),
		lag: p.Part(gauge("flashq_group_lag_records", "Records that the group has left.")),
		seconds: p.Part(gauge("flashq_group_lag_seconds",
			"Age of the first record that the group has left, 0 where it has none.")),
		server: s, env: s.fetches, call: c, topics: topics, now: time.Now().UnixMilli(),
	}
	s.ages.begin()
	calls, cancel := context.WithTimeout(s.life.calls, groupsPatience)
	defer cancel()
	w.env.Calls = calls
	visit := s.cfg.Broker.EachGroup(calls, func(g broker.Group) bool {
		if err = c.left(); err != nil || p.Full() {
			return false
		}
		err = w.group(&g)
		return err == nil
	})
	if err == nil && !errors.Is(visit, context.DeadlineExceeded) {
		err = visit
	}
	s.ages.end()
	if s.cfg.NoTopicMetrics {
		w.members.Int(nil, w.sums.members)
		w.lag.Int(nil, w.sums.lag)
		w.seconds.Float(nil, w.sums.seconds)
	}
	p.One(gauge("flashq_group_lag_seconds_unknown",
		"Partitions whose lag in seconds was not looked up: there were too many at a time."), float64(s.ages.unknown))
	return err
}

func (w *groupParts) group(g *broker.Group) error {
	w.sums.members += int64(g.Live)
	single := !w.server.cfg.NoTopicMetrics
	if single {
		w.members.Int(metrics.AppendLabels(w.room[:0], "group", g.Name), int64(g.Live))
	}
	for _, name := range allTopics(*g) {
		topic := w.topics[name]
		if topic == nil {
			continue // made or deleted meanwhile
		}
		age, known, err := w.topic(g, topic, single)
		if err != nil {
			return err
		}
		w.sums.seconds = max(w.sums.seconds, age)
		if single && known {
			w.seconds.Float(metrics.AppendLabels(w.room[:0], "group", g.Name, "topic", name), age)
		}
	}
	return nil
}

// topic writes how far a group is in a topic, and gives the age in seconds of the oldest record that it has left.
func (w *groupParts) topic(g *broker.Group, topic broker.Topic, single bool) (age float64, known bool, err error) {
	known = true
	atEnd := fetch.BeginsAtEnd(g, topic.Name())
	for partition := range topic.Config().Partitions {
		glance := topic.Glance(partition)
		next := glance.LogStart
		if atEnd {
			next = glance.HighWatermark
		}
		commit := findOffset(*g, topic.Name(), partition)
		if commit != nil {
			next = max(commit.Offset, glance.LogStart)
		}
		lag := max(glance.HighWatermark-next, 0)
		w.sums.lag += lag
		if single {
			w.room = groupLabels(w.room[:0], g.Name, topic.Name(), partition)
			w.lag.Int(w.room, lag)
			if commit != nil {
				w.committed.Int(w.room, commit.Offset)
			}
		}
		if lag == 0 {
			continue
		}
		if err := w.call.left(); err != nil {
			return 0, false, err
		}
		millis, ok := w.server.ages.at(&w.env, topic, partition, next)
		known = known && ok
		if ok {
			age = max(age, float64(w.now-millis)/1000)
		}
	}
	return age, known || age > 0, nil
}

func partitionLabels(text []byte, topic string, partition int) []byte {
	text = metrics.AppendLabels(text, "topic", topic)
	return appendPartition(text, partition)
}

func groupLabels(text []byte, group, topic string, partition int) []byte {
	text = metrics.AppendLabels(text, "group", group, "topic", topic)
	return appendPartition(text, partition)
}

// appendPartition adds one more label.
func appendPartition(text []byte, partition int) []byte {
	text = append(text[:len(text)-1], `,partition="`...)
	return append(strconv.AppendInt(text, int64(partition), 10), `"}`...)
}

// ages knows when records were written that groups have left. Each costs a read of storage, so what was looked up is
// kept for as long as the group stays there, and only so many are looked up for one page. It belongs to who writes the
// page.
type ages struct {
	known, before map[agesKey]int64
	looked        int
	until         time.Time
	unknown       int
}

type agesKey struct {
	topic     broker.Topic
	partition int
	offset    int64
}

const (
	mostLooked = 1000
	lookFor    = 500 * time.Millisecond
	mostAges   = 100_000
)

func (a *ages) begin() {
	a.before, a.known = a.known, map[agesKey]int64{}
	a.looked, a.unknown, a.until = 0, 0, time.Now().Add(lookFor)
}

func (a *ages) end() { a.before = nil }

// at gives the time of the record at an offset; ok is false where it is not known.
func (a *ages) at(env *fetch.Env, topic broker.Topic, partition int, offset int64) (millis int64, ok bool) {
	key := agesKey{topic, partition, offset}
	if millis, ok = a.known[key]; ok {
		return millis, true
	}
	if millis, ok = a.before[key]; !ok {
		if a.looked >= mostLooked || time.Now().After(a.until) {
			a.unknown++
			return 0, false
		}
		a.looked++
		var err error
		if millis, ok, err = env.TimeAt(topic, partition, offset); err != nil || !ok {
			a.unknown++
			return 0, false
		}
	}
	if len(a.known) < mostAges {
		a.known[key] = millis
	}
	return millis, true
}
