package http

import (
	"cmp"
	"fmt"

	"flashq/auth"
	"flashq/broker"
	"flashq/http/request"
	"flashq/http/schema"
)

// offsetView is where something stands in one partition; its timestamp is that of the record at the offset, null at the
// end.
type offsetView struct {
	Partition int       `json:"partition" example:"0"`
	Offset    int64     `json:"offset" example:"12"`
	Timestamp timestamp `json:"timestamp" nullable:"true" doc:"of the record at the offset; null at the end"`
}

// topicOffsets is where something stands in each partition of a topic.
type topicOffsets struct {
	Partitions list[offsetView] `json:"partitions" doc:"each partition"`
	Position   string           `json:"position" doc:"the same as a position, from which a fetch can go on" example:"0:12"`
}

// groupOffsets is what a group committed.
type groupOffsets struct {
	Offsets list[offsetRow] `json:"offsets" doc:"a row for each partition"`
	cutAt
}

type topicOffsetsQuery struct {
	at     string // "": latest
	millis int64  // of a time
}

var topicOffsetsParams = request.Params[topicOffsetsQuery]{
	{Name: "at", Axis: "start", Type: request.Instant.
		Says("earliest, latest, or the first record that is not older than a time; latest by default"),
		Set: func(q *topicOffsetsQuery, v request.Value) (err error) {
			if q.at = string(v.Text); q.at != "latest" && q.at != "earliest" {
				q.millis, err = v.Time()
			}
			return err
		}},
}

// topicOffsets is GET /topics/{topic}/offsets?at=.
func (s *Server) topicOffsets(c *call, q topicOffsetsQuery) (answer topicOffsets, err error) {
	topic, err := s.topic(c.names.topic)
	if err != nil {
		return answer, err
	}
	var position []byte
	for partition := range topic.Config().Partitions {
		if err := c.left(); err != nil {
			return answer, err
		}
		v, err := s.offsetAt(c, topic, partition, cmp.Or(q.at, "latest"), q.millis)
		if err != nil {
			return answer, err
		}
		answer.Partitions = append(answer.Partitions, v)
		position = request.AppendMark(position, 0, partition, v.Offset)
	}
	answer.Position = string(position)
	return answer, nil
}

type groupOffsetsQuery struct {
	topic  string // "": all
	window rowWindow
}

var groupOffsetsParams = request.Params[groupOffsetsQuery]{
	{Name: "topic", Axis: "which", Type: request.TopicName.
		Says("of this topic, each partition; by default all that the group committed to"),
		Set: func(q *groupOffsetsQuery, v request.Value) (err error) {
			q.topic, err = v.NameOf("topic")
			return err
		}},
	{Name: "limit", Axis: "how much", Type: limitType,
		Set: func(q *groupOffsetsQuery, v request.Value) (err error) {
			q.window.limit, err = v.Int()
			return err
		}},
	{Name: "after", Axis: "how much", EmptyIsNone: true, Type: rowNameType,
		Set: func(q *groupOffsetsQuery, v request.Value) error {
			return q.window.setAfter(v)
		}},
}

var rowNameType = schema.Text(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(:[0-9]{1,9})?$`).Like("news:3").
	Says("go on after this topic and partition, or after all of a topic; as 'next' says it")

// groupOffsets is GET /groups/{group}/offsets?topic=.
func (s *Server) groupOffsets(c *call, q groupOffsetsQuery) (answer groupOffsets, err error) {
	if q.topic != "" {
		if err := c.mayTopic(auth.Read, q.topic); err != nil {
			return answer, err
		}
	}
	g, err := s.cfg.Broker.Group(s.life.calls, c.names.group, q.topic)
	if err != nil {
		return answer, err
	}
	figures := s.newFigures(c).withTimes().within(q.window)
	rows, err := figures.rows(g, q.topic)
	if err != nil {
		return answer, err
	}
	answer.Offsets = rows
	if figures.more {
		answer.Next = rowName(&rows[len(rows)-1])
	}
	return answer, nil
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
