package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/request"
)

type partitionView struct {
	Partition     int   `json:"partition"`
	Earliest      int64 `json:"earliest"`
	HighWaterMark int64 `json:"high_water_mark"`
	Bytes         int64 `json:"bytes"`
	Segments      int   `json:"segments"`
	// Error tells that the partition is down and its figures are not known.
	Error string `json:"error,omitempty"`
}

// groupLag is how many records a group that reads the topic has left.
type groupLag struct {
	Group string `json:"group"`
	Lag   int64  `json:"lag"`
}

// putTopic is PUT /topics/{topic}: create, or set what the body names.
func (s *Server) putTopic(c *call) (any, error) {
	change := topicChange{mostPartitions: s.cfg.MaxPartitions}
	if there, err := s.topic(c.names.topic); err == nil { // and may be from a time of another bound
		change.mostPartitions = max(change.mostPartitions, there.Config().Partitions)
	}
	if _, err := readObject(s, c, topicMembers, &change); err != nil {
		return nil, err
	}
	topic, created, err := s.cfg.Broker.CreateTopic(s.life.calls, c.names.topic, change.TopicChange)
	if err != nil {
		return nil, err
	}
	if created {
		c.status = fasthttp.StatusCreated
	}
	return s.viewTopic(c, topic)
}

// topicChange is what the body of a PUT asks for.
type topicChange struct {
	broker.TopicChange

	mostPartitions int
}

var topicMembers = request.Members[topicChange]{
	{Name: "partitions", Set: func(c *topicChange, raw json.RawMessage) error {
		n, err := request.Int("partitions", raw, 1, int64(c.mostPartitions), false)
		c.Partitions = int(n)
		return err
	}},
	{Name: "retention_ms", Set: func(c *topicChange, raw json.RawMessage) error {
		return setLimit(&c.RetentionMs, "retention_ms", raw, 1, math.MaxInt64, true)
	}},
	{Name: "retention_bytes", Set: func(c *topicChange, raw json.RawMessage) error {
		return setLimit(&c.RetentionBytes, "retention_bytes", raw, 1, math.MaxInt64, true)
	}},
	{Name: "segment_bytes", Set: func(c *topicChange, raw json.RawMessage) error {
		return setLimit(&c.SegmentBytes, "segment_bytes", raw, broker.MinSegmentBytes, broker.MaxSegmentBytes, false)
	}},
	{Name: "segment_ms", Set: func(c *topicChange, raw json.RawMessage) error {
		return setLimit(&c.SegmentMs, "segment_ms", raw, 1, math.MaxInt64, false)
	}},
}

func setLimit(target **int64, name string, raw json.RawMessage, low, high int64, unlimited bool) error {
	n, err := request.Int(name, raw, low, high, unlimited)
	*target = &n
	return err
}

// describeTopic is GET /topics/{topic}.
func (s *Server) describeTopic(c *call) (any, error) {
	topic, err := s.topic(c.names.topic)
	if err != nil {
		return nil, err
	}
	return s.viewTopic(c, topic)
}

// topic finds a topic that has to be there.
func (s *Server) topic(name string) (broker.Topic, error) {
	return s.cfg.Broker.Topic(s.life.calls, name)
}

func (s *Server) viewTopic(c *call, topic broker.Topic) (any, error) {
	config := topic.Config()
	var details []partitionView
	err := s.eachPartition(c, topic, func(partition int, p broker.PartitionStats, down string) {
		details = append(details, partitionView{
			Partition: partition, Earliest: p.LogStart, HighWaterMark: p.HighWatermark, Bytes: p.Bytes, Segments: p.Segments,
			Error: down,
		})
	})
	if err != nil {
		return nil, err
	}
	groups, err := s.groupsOf(c, topic.Name())
	return object{
		{"topic", topic.Name()}, {"partitions", config.Partitions}, {"retention_ms", config.RetentionMs},
		{"retention_bytes", config.RetentionBytes}, {"segment_bytes", config.SegmentBytes},
		{"segment_ms", config.SegmentMs}, {"details", each(details)}, {"groups", each(groups)},
	}, err
}

// eachPartition shows the figures of a topic's partitions. One that is down has none, and down says why: the others are
// there all the same.
func (s *Server) eachPartition(
	c *call, topic broker.Topic, see func(partition int, p broker.PartitionStats, down string),
) error {
	for partition := range topic.Config().Partitions {
		if err := c.left(); err != nil {
			return err
		}
		p, err := topic.Stats(s.life.calls, partition)
		down := ""
		if errors.Is(err, broker.ErrStorage) {
			p, down, err = noStats, "storage_error", nil
		}
		if err != nil {
			return fmt.Errorf("partition %d: stats: %w", partition, err)
		}
		see(partition, p, down)
	}
	return nil
}

// noStats are those of a partition that nothing is known of.
var noStats = broker.PartitionStats{FirstTimestamp: -1, LastTimestamp: -1}

// deleteTopic is DELETE /topics/{topic}.
func (s *Server) deleteTopic(c *call) (any, error) {
	return noContent{}, s.cfg.Broker.DeleteTopic(s.life.calls, c.names.topic)
}

// topicSummary is a topic's line in a detailed list.
type topicSummary struct {
	Name           string    `json:"name"`
	Partitions     int       `json:"partitions"`
	Records        int64     `json:"records"`
	Bytes          int64     `json:"bytes"`
	FirstTimestamp timestamp `json:"first_timestamp"`
	LastTimestamp  timestamp `json:"last_timestamp"`
}

var topicListParams = request.Params[topicListQuery]{
	{Name: "detail", Axis: "answer", Set: func(q *topicListQuery, v request.Value) (err error) {
		q.detail, err = v.Bool()
		return err
	}},
	{Name: "limit", Axis: "how much", Set: func(q *topicListQuery, v request.Value) error { return q.window.setLimit(v) }},
	{Name: "after", Axis: "how much", Set: func(q *topicListQuery, v request.Value) error {
		return q.window.setAfter("topic", v)
	}},
}

type topicListQuery struct {
	detail bool
	window window
}

// listTopics is GET /topics.
func (s *Server) listTopics(c *call, q topicListQuery) (any, error) {
	topics, err := s.cfg.Broker.Topics(s.life.calls)
	if err != nil {
		return nil, err
	}
	topics = only(topics, func(t broker.Topic) bool { return c.sees(t.Name()) })
	topics, last := cut(q.window, topics, broker.Topic.Name)
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name()
	}
	answer := object{{"topics", each(names)}}
	if q.detail {
		details, err := s.summaries(c, topics)
		if err != nil {
			return nil, err
		}
		answer = append(answer, field{"details", each(details)})
	}
	return answer.cutAt(last), nil
}

// summaries adds the partitions of each topic up; a topic that was deleted meanwhile is left out.
func (s *Server) summaries(c *call, topics []broker.Topic) ([]topicSummary, error) {
	list := make([]topicSummary, 0, len(topics))
	for _, t := range topics {
		sum := topicSummary{Name: t.Name(), Partitions: t.Config().Partitions, FirstTimestamp: noTime, LastTimestamp: noTime}
		err := s.eachPartition(c, t, func(_ int, p broker.PartitionStats, _ string) {
			sum.Records += p.HighWatermark - p.LogStart
			sum.Bytes += p.Bytes
			sum.FirstTimestamp = earlier(sum.FirstTimestamp, statTime(p.FirstTimestamp))
			sum.LastTimestamp = max(sum.LastTimestamp, statTime(p.LastTimestamp))
		})
		if errors.Is(err, broker.ErrTopicNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, sum)
	}
	return list, nil
}
