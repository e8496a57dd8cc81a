package http

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/segment/batch"
	"flashq/segment/slab"
)

// offsetRow is where a group stands in one partition; what was never committed is null. lag counts the records that the
// group would still get, lag_ms is the age of the first of them: 0 at the end, null where it can't be read.
type offsetRow struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Committed *int64    `json:"committed_offset"`
	Metadata  *string   `json:"metadata"`
	Timestamp timestamp `json:"timestamp"`
	High      int64     `json:"high_water_mark"`
	Lag       int64     `json:"lag"`
	LagMs     *int64    `json:"lag_ms"`
	// Truncated is how many offsets the commit was moved back by, since the records before it were lost.
	Truncated int64 `json:"truncated,omitempty"`
}

func sumLag(rows []offsetRow) (lag int64) {
	for _, r := range rows {
		lag += r.Lag
	}
	return lag
}

// look holds commits against partitions; what it learns of a topic serves for all groups of one request.
type look struct {
	server *Server
	ctx    context.Context
	times  bool
	now    int64
	topics map[string]*lookedAt
}

// lookedAt is a topic with its partitions' figures.
type lookedAt struct {
	topic broker.Topic
	stats []broker.PartitionStats
}

func (s *Server) newLook() *look {
	return &look{server: s, ctx: s.calls, now: time.Now().UnixMilli(), topics: map[string]*lookedAt{}}
}

// withTimes has it find lag_ms, which costs a read for each partition that is behind.
func (l *look) withTimes() *look {
	l.times = true
	return l
}

// rows gives a row for every partition of a topic, or of all topics that the group committed to ("").
func (l *look) rows(g broker.Group, topic string) ([]offsetRow, error) {
	if topic == "" {
		return l.rowsOf(g, topicsOf(g))
	}
	return l.append([]offsetRow{}, g, topic)
}

// rowsOf gives a row for every partition of some topics; those that are not there have none.
func (l *look) rowsOf(g broker.Group, topics []string) (rows []offsetRow, err error) {
	rows = []offsetRow{}
	for _, name := range topics {
		more, err := l.append(rows, g, name)
		var gone *apiError
		switch {
		case err == nil:
			rows = more
		case !errors.As(err, &gone) || gone.status != 404:
			return nil, err
		}
	}
	return rows, nil
}

// append adds a row for every partition of a topic.
func (l *look) append(rows []offsetRow, g broker.Group, topic string) ([]offsetRow, error) {
	t, err := l.at(topic)
	if err != nil {
		return nil, aboutTopic(err, topic)
	}
	for p := range t.stats {
		row, err := l.row(g, t, p)
		if err != nil {
			return nil, aboutTopic(err, topic)
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

func (l *look) at(name string) (*lookedAt, error) {
	if t := l.topics[name]; t != nil {
		return t, nil
	}
	topic, err := l.server.cfg.Broker.Topic(l.ctx, name)
	if err != nil {
		return nil, err
	}
	t := &lookedAt{topic: topic}
	err = eachPartition(l.ctx, topic, func(_ int, p broker.PartitionStats, _ string) { t.stats = append(t.stats, p) })
	if err != nil {
		return nil, err
	}
	l.topics[name] = t
	return t, nil
}

func (l *look) row(g broker.Group, t *lookedAt, partition int) (offsetRow, error) {
	s := t.stats[partition]
	r := offsetRow{Topic: t.topic.Name(), Partition: partition, Timestamp: noTime, LagMs: new(int64)}
	next := s.LogStart
	if g.Start == broker.StartLatest {
		next = s.HighWatermark
	}
	if o := findOffset(g, r.Topic, partition); o != nil {
		r.Committed, r.Metadata, r.Timestamp, r.Truncated = &o.Offset, &o.Metadata, timestamp(o.Timestamp), o.Truncated
		next = max(o.Offset, s.LogStart)
	}
	r.High = max(s.HighWatermark, next) // a commit may be newer than the figures
	r.Lag = r.High - next
	if r.Lag > 0 && l.times {
		time, err := l.server.timeAt(t.topic, partition, next)
		switch {
		case err != nil:
			return r, err
		case time == noTime:
			r.LagMs = nil
		default:
			*r.LagMs = max(l.now-int64(time), 0)
		}
	}
	return r, nil
}

func findOffset(g broker.Group, topic string, partition int) *broker.GroupOffset {
	for i := range g.Offsets {
		if o := &g.Offsets[i]; o.Topic == topic && o.Partition == partition {
			return o
		}
	}
	return nil
}

// timeAt gives the timestamp of the record at an offset, or of the first one behind it; noTime where that is damaged or
// was trimmed meanwhile.
func (s *Server) timeAt(topic broker.Topic, partition int, offset int64) (timestamp, error) {
	view, err := topic.Snapshot(s.calls, partition)
	if err != nil {
		return noTime, err
	}
	defer view.Close()
	raw, err := view.Read(slab.Get(readBytes), offset, 1)
	defer func() { slab.Put(raw) }()
	var corrupt *broker.CorruptError
	if errors.As(err, &corrupt) || errors.Is(err, broker.ErrGone) || len(raw) == 0 {
		return noTime, nil
	}
	if err != nil {
		return noTime, err
	}
	b, _, err := batch.Next(raw)
	if err != nil {
		return noTime, err
	}
	plain, packed, err := s.codecs.unpack(nil, b)
	defer func() { slab.Put(packed) }()
	if err != nil {
		return noTime, nil //nolint:nilerr // to a reader that is damage, and this is about the time only
	}
	it := plain.Records()
	for it.Next() {
		if b.BaseOffset()+int64(it.Record.OffsetDelta) >= offset {
			return timestamp(timeOf(b, &it.Record)), nil
		}
	}
	return noTime, nil
}

// groupOffsets is GET /groups/{group}/offsets?topic=.
func (s *Server) groupOffsets(ctx *fasthttp.RequestCtx) error {
	name, err := groupName(ctx)
	if err != nil {
		return err
	}
	topic := ""
	err = eachParam(ctx, []string{"topic"}, func(param string, value []byte) error {
		topic = string(value)
		return checkName(param, topic, maxTopicName)
	})
	if err == nil {
		err = wantJSON(ctx)
	}
	if err != nil {
		return err
	}
	g, err := s.cfg.Broker.Group(s.calls, name, topic)
	if err != nil {
		return aboutGroup(err, name)
	}
	rows, err := s.newLook().withTimes().rows(g, topic)
	if err != nil {
		return err
	}
	writeJSON(ctx, fasthttp.StatusOK, struct {
		Offsets []offsetRow `json:"offsets"`
	}{rows})
	return nil
}

// groupsOf lists who reads a topic, with how much is left.
func (s *Server) groupsOf(topic string) ([]groupLag, error) {
	groups, err := s.cfg.Broker.Groups(s.calls, topic)
	if err != nil {
		return nil, err
	}
	list := make([]groupLag, 0, len(groups))
	look := s.newLook()
	for _, g := range groups {
		rows, err := look.rows(g, topic)
		if err != nil {
			return nil, err
		}
		list = append(list, groupLag{Group: g.Name, Lag: sumLag(rows)})
	}
	return list, nil
}
