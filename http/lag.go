package http

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"flashq/broker"
	"flashq/http/fetch"
)

// offsetRow is where a group stands in one partition; what was never committed is null. lag counts the records that the
// group would still get, lag_ms is the age of the first of them: 0 at the end, null where it can't be read.
type offsetRow struct {
	Topic     string    `json:"topic" example:"news"`
	Partition int       `json:"partition" example:"0"`
	Committed *int64    `json:"committed_offset" doc:"the next record to read; null of none" example:"15"`
	Metadata  *string   `json:"metadata" doc:"what the commit said beside it" example:"batch 42"`
	Timestamp timestamp `json:"timestamp" nullable:"true" doc:"of the commit"`
	High      int64     `json:"high_water_mark" doc:"offset of the next record to be written" example:"20"`
	Lag       int64     `json:"lag" doc:"records that the group would still get" example:"5"`
	LagMs     *int64    `json:"lag_ms" doc:"age of the first of them; null where it can't be read" example:"1200"`
	// Truncated is how many offsets the commit was moved back by, since the records before it were lost.
	Truncated int64 `json:"truncated,omitempty" doc:"by how much the commit was moved back, since records were lost"`
}

func sumLag(rows []offsetRow) (lag int64) {
	for _, r := range rows {
		lag += r.Lag
	}
	return lag
}

// figures holds commits against partitions; what it learns of a topic serves for all groups of one request.
type figures struct {
	server *Server
	call   *call
	times  bool
	window rowWindow // what rows are wanted
	more   bool      // there are rows after the window
	now    int64
	topics map[string]*topicFigures
}

// topicFigures is a topic with its partitions' figures.
type topicFigures struct {
	topic broker.Topic
	stats []broker.PartitionStats
}

func (s *Server) newFigures(c *call) *figures {
	return &figures{server: s, call: c, window: everyRow, now: time.Now().UnixMilli(), topics: map[string]*topicFigures{}}
}

// withTimes has it find lag_ms, which costs a read for each partition that has records left.
func (f *figures) withTimes() *figures {
	f.times = true
	return f
}

// within has it give the rows of a window alone.
func (f *figures) within(w rowWindow) *figures {
	f.window = w
	return f
}

// rows gives a row for every partition of a topic, or of all topics that the group committed to ("").
func (f *figures) rows(g broker.Group, topic string) ([]offsetRow, error) {
	if topic == "" {
		return f.rowsOf(g, topicsOf(g))
	}
	return f.append([]offsetRow{}, g, topic)
}

// rowsOf gives a row for every partition of some topics; those that are not there, or not the caller's to see, have
// none.
func (f *figures) rowsOf(g broker.Group, topics []string) (rows []offsetRow, err error) {
	rows = []offsetRow{}
	for _, name := range topics {
		if name < f.window.topic || !f.call.sees(name) {
			continue
		}
		if f.more {
			break
		}
		more, err := f.append(rows, g, name)
		switch {
		case err == nil:
			rows = more
		case !errors.Is(err, broker.ErrTopicNotFound):
			return nil, err
		}
	}
	return rows, nil
}

// append adds a row for every partition of a topic.
func (f *figures) append(rows []offsetRow, g broker.Group, topic string) ([]offsetRow, error) {
	t, err := f.of(topic)
	if err != nil {
		return nil, err
	}
	for p := range t.stats {
		if f.window.hides(topic, p) {
			continue
		}
		if len(rows) == f.window.most() {
			f.more = true
			break
		}
		if err := f.call.left(); err != nil {
			return nil, err
		}
		row, err := f.row(g, t, p)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// allTopics lists what a group committed to and what its members ask for.
func allTopics(g broker.Group) []string {
	all := slices.Concat(topicsOf(g), g.Topics)
	slices.Sort(all)
	return slices.Compact(all)
}

// topicsOf lists the topics of a group's commits, which are sorted.
func topicsOf(g broker.Group) (names []string) {
	for i, o := range g.Offsets {
		if i == 0 || o.Topic != g.Offsets[i-1].Topic {
			names = append(names, o.Topic)
		}
	}
	return names
}

func (f *figures) of(name string) (*topicFigures, error) {
	if t := f.topics[name]; t != nil {
		return t, nil
	}
	topic, err := f.server.topic(name)
	if err != nil {
		return nil, err
	}
	t := &topicFigures{topic: topic}
	err = f.server.eachPartition(f.call, topic, func(_ int, p broker.PartitionStats, _ string) {
		t.stats = append(t.stats, p)
	})
	if err != nil {
		return nil, err
	}
	f.topics[name] = t
	return t, nil
}

func (f *figures) row(g broker.Group, t *topicFigures, partition int) (offsetRow, error) {
	s := t.stats[partition]
	r := offsetRow{Topic: t.topic.Name(), Partition: partition, Timestamp: noTime, LagMs: new(int64)}
	next := s.LogStart
	if fetch.BeginsAtEnd(&g, r.Topic) {
		next = s.HighWatermark
	}
	if o := findOffset(g, r.Topic, partition); o != nil {
		r.Committed, r.Metadata, r.Timestamp, r.Truncated = &o.Offset, &o.Metadata, timestamp(o.Timestamp), o.Truncated
		next = max(o.Offset, s.LogStart)
	}
	r.High = max(s.HighWatermark, next) // a commit may be newer than the figures
	r.Lag = r.High - next
	if r.Lag > 0 && f.times {
		time, ok, err := f.server.fetches.TimeAt(t.topic, partition, next)
		switch {
		case err != nil:
			return r, err
		case !ok:
			r.LagMs = nil
		default:
			*r.LagMs = max(f.now-time, 0)
		}
	}
	return r, nil
}

// findOffset looks a partition up in a group's commits, which are sorted.
func findOffset(g broker.Group, topic string, partition int) *broker.GroupOffset {
	i, found := slices.BinarySearchFunc(g.Offsets, partition, func(o broker.GroupOffset, partition int) int {
		return cmp.Or(cmp.Compare(o.Topic, topic), cmp.Compare(o.Partition, partition))
	})
	if !found {
		return nil
	}
	return &g.Offsets[i]
}

// groupsOf lists who reads a topic, with how much is left.
func (s *Server) groupsOf(c *call, topic string) ([]groupLag, error) {
	groups, err := s.cfg.Broker.Groups(s.life.calls, topic)
	if err != nil {
		return nil, err
	}
	groups = only(groups, func(g broker.Group) bool { return c.seesGroup(g.Name) })
	list := make([]groupLag, 0, len(groups))
	figures := s.newFigures(c)
	for _, g := range groups {
		rows, err := figures.rows(g, topic)
		if err != nil {
			return nil, err
		}
		list = append(list, groupLag{Group: g.Name, Lag: sumLag(rows)})
	}
	return list, nil
}
