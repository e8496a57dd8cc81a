package http

import (
	"cmp"
	"fmt"

	"flashq/auth"
	"flashq/broker"
	"flashq/http/request"
)

// offsetView is where something stands in one partition; its timestamp is that of the record at the offset, null at the
// end.
type offsetView struct {
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp timestamp `json:"timestamp"`
}

type topicOffsetsQuery struct {
	at     string // "": latest
	millis int64  // of a time
}

var topicOffsetsParams = request.Params[topicOffsetsQuery]{
	{Name: "at", Axis: "start", Set: func(q *topicOffsetsQuery, v request.Value) (err error) {
		if q.at = string(v.Text); q.at != "latest" && q.at != "earliest" {
			q.millis, err = v.Time()
		}
		return err
	}},
}

// topicOffsets is GET /topics/{topic}/offsets?at=.
func (s *Server) topicOffsets(c *call, q topicOffsetsQuery) (any, error) {
	topic, err := s.topic(c.names.topic)
	if err != nil {
		return nil, err
	}
	var views []offsetView
	var position []byte
	for partition := range topic.Config().Partitions {
		if err := c.left(); err != nil {
			return nil, err
		}
		v, err := s.offsetAt(c, topic, partition, cmp.Or(q.at, "latest"), q.millis)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
		position = request.AppendMark(position, 0, partition, v.Offset)
	}
	return object{{"partitions", each(views)}, {"position", string(position)}}, nil
}

type groupOffsetsQuery struct {
	topic  string // "": all
	window rowWindow
}

var groupOffsetsParams = request.Params[groupOffsetsQuery]{
	{Name: "topic", Axis: "which", Set: func(q *groupOffsetsQuery, v request.Value) (err error) {
		q.topic, err = v.NameOf("topic")
		return err
	}},
	{Name: "limit", Axis: "how much", Set: func(q *groupOffsetsQuery, v request.Value) (err error) {
		q.window.limit, err = v.Int(1, mostListed)
		return err
	}},
	{Name: "after", Axis: "how much", Set: func(q *groupOffsetsQuery, v request.Value) error {
		return q.window.setAfter(v)
	}},
}

// groupOffsets is GET /groups/{group}/offsets?topic=.
func (s *Server) groupOffsets(c *call, q groupOffsetsQuery) (any, error) {
	if q.topic != "" {
		if err := c.mayTopic(auth.Read, q.topic); err != nil {
			return nil, err
		}
	}
	g, err := s.cfg.Broker.Group(s.life.calls, c.names.group, q.topic)
	if err != nil {
		return nil, err
	}
	figures := s.newFigures(c).withTimes().within(q.window)
	rows, err := figures.rows(g, q.topic)
	if err != nil {
		return nil, err
	}
	last := ""
	if figures.more {
		last = rowName(&rows[len(rows)-1])
	}
	return object{{"offsets", each(rows)}}.cutAt(last), nil
}

func (s *Server) offsetAt(c *call, topic broker.Topic, partition int, at string, millis int64) (offsetView, error) {
	v := offsetView{Partition: partition, Timestamp: noTime}
	if at != "latest" && at != "earliest" {
		offset, time, ok, err := s.fetches.OffsetForTime(c.ctx.Conn(), topic, partition, millis)
		if v.Offset = offset; ok {
			v.Timestamp = timestamp(time)
		}
		return v, err
	}
	stats, err := topic.Stats(s.life.calls, partition)
	if err != nil {
		return v, fmt.Errorf("partition %d: stats: %w", partition, err)
	}
	v.Offset = stats.HighWatermark
	if at == "earliest" {
		v.Offset, v.Timestamp = stats.LogStart, statTime(stats.FirstTimestamp)
	}
	return v, nil
}
