package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/request"
	"flashq/http/schema"
)

// topicView is a topic with its settings and figures.
type topicView struct {
	Topic          string              `json:"topic" doc:"its name" example:"news"`
	Partitions     int                 `json:"partitions" doc:"how many it has" example:"1"`
	RetentionMs    int64               `json:"retention_ms" doc:"how long records are kept, -1 for ever" example:"-1"`
	RetentionBytes int64               `json:"retention_bytes" doc:"bytes kept of a partition, -1 for all" example:"-1"`
	SegmentBytes   int64               `json:"segment_bytes" doc:"size of a segment file" example:"1073741824"`
	SegmentMs      int64               `json:"segment_ms" doc:"age at which a segment file ends" example:"604800000"`
	Details        list[partitionView] `json:"details" doc:"each partition"`
	Groups         list[groupLag]      `json:"groups" doc:"the consumer groups that read it"`
}

// SchemaName implements schema.Named.
func (topicView) SchemaName() string { return "Topic" }

type partitionView struct {
	Partition     int   `json:"partition" doc:"its number" example:"0"`
	Earliest      int64 `json:"earliest" doc:"offset of the first record that is kept" example:"0"`
	HighWaterMark int64 `json:"high_water_mark" doc:"offset of the next record to be written" example:"20"`
	Bytes         int64 `json:"bytes" doc:"what is stored" example:"4096"`
	Segments      int   `json:"segments" doc:"in how many files" example:"1"`
	// Error tells that the partition is down and its figures are not known.
	Error string `json:"error,omitempty" doc:"storage_error: it is down, and its figures are not known"`
}

// SchemaName implements schema.Named.
func (partitionView) SchemaName() string { return "Partition" }

// groupLag is how many records a group that reads the topic has left.
type groupLag struct {
	Group string `json:"group" doc:"its name" example:"billing"`
	Lag   int64  `json:"lag" doc:"records that it has left in the topic" example:"5"`
}

// putTopic is PUT /topics/{topic}: create, or set what the body names.
func (s *Server) putTopic(c *call) (view topicView, err error) {
	change := topicChange{mostPartitions: s.cfg.MaxPartitions}
	if there, err := s.topic(c.names.topic); err == nil { // and may be from a time of another bound
		change.mostPartitions = max(change.mostPartitions, there.Config().Partitions)
	}
	if _, err := readObject(s, c, topicMembers, &change); err != nil {
		return view, err
	}
	topic, created, err := s.cfg.Broker.CreateTopic(s.life.calls, c.names.topic, change.TopicChange)
	if err != nil {
		return view, err
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
	{Name: "partitions", Type: schema.Int(1, math.MaxInt32).Like(3).
		Says("how many; can't change later"),
		Set: func(c *topicChange, raw json.RawMessage) error {
			n, err := request.Int("partitions", raw, 1, int64(c.mostPartitions), false)
			c.Partitions = int(n)
			return err
		}},
	{Name: "retention_ms", Type: schema.Int(1, math.MaxInt64).Like(604800000).OrUnlimited().
		Says("how long records are kept; -1 for ever, which is the default"),
		Set: func(c *topicChange, raw json.RawMessage) error {
			return setLimit(&c.RetentionMs, "retention_ms", raw, 1, math.MaxInt64, true)
		}},
	{Name: "retention_bytes", Type: schema.Int(1, math.MaxInt64).Like(1 << 30).OrUnlimited().
		Says("bytes kept of each partition; -1 for all, which is the default"),
		Set: func(c *topicChange, raw json.RawMessage) error {
			return setLimit(&c.RetentionBytes, "retention_bytes", raw, 1, math.MaxInt64, true)
		}},
	{Name: "segment_bytes", Type: schema.Int(broker.MinSegmentBytes, broker.MaxSegmentBytes).Like(1 << 20).
		Says("size of a segment file"),
		Set: func(c *topicChange, raw json.RawMessage) error {
			return setLimit(&c.SegmentBytes, "segment_bytes", raw, broker.MinSegmentBytes, broker.MaxSegmentBytes, false)
		}},
	{Name: "segment_ms", Type: schema.Int(1, math.MaxInt64).Like(604800000).
		Says("age at which a segment file ends"),
		Set: func(c *topicChange, raw json.RawMessage) error {
			return setLimit(&c.SegmentMs, "segment_ms", raw, 1, math.MaxInt64, false)
		}},
}

// topicBody is the body of a PUT, by this server's bounds.
func (s *Server) topicBody() *schema.Schema {
	body := topicMembers.Schema()
	body.Properties["partitions"] = body.Properties["partitions"].UpTo(int64(s.cfg.MaxPartitions))
	return body
}

func setLimit(target **int64, name string, raw json.RawMessage, low, high int64, unlimited bool) error {
	n, err := request.Int(name, raw, low, high, unlimited)
	*target = &n
	return err
}

// describeTopic is GET /topics/{topic}.
func (s *Server) describeTopic(c *call) (topicView, error) {
	topic, err := s.topic(c.names.topic)
	if err != nil {
		return topicView{}, err
	}
	return s.viewTopic(c, topic)
}

// topic finds a topic that has to be there.
func (s *Server) topic(name string) (broker.Topic, error) {
	return s.cfg.Broker.Topic(s.life.calls, name)
}

func (s *Server) viewTopic(c *call, topic broker.Topic) (topicView, error) {
	config := topic.Config()
	view := topicView{
		Topic: topic.Name(), Partitions: config.Partitions, RetentionMs: config.RetentionMs,
		RetentionBytes: config.RetentionBytes, SegmentBytes: config.SegmentBytes, SegmentMs: config.SegmentMs,
	}
	err := s.eachPartition(c, topic, func(partition int, p broker.PartitionStats, down string) {
		view.Details = append(view.Details, partitionView{
			Partition: partition, Earliest: p.LogStart, HighWaterMark: p.HighWatermark, Bytes: p.Bytes, Segments: p.Segments,
			Error: down,
		})
	})
	if err == nil {
		view.Groups, err = s.groupsOf(c, topic.Name())
	}
	return view, err
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
func (s *Server) deleteTopic(c *call) (noContent, error) {
	return noContent{}, s.cfg.Broker.DeleteTopic(s.life.calls, c.names.topic)
}

// topicSummary is a topic's line in a detailed list.
type topicSummary struct {
	Name           string    `json:"name" doc:"of the topic" example:"news"`
	Partitions     int       `json:"partitions" doc:"how many it has" example:"1"`
	Records        int64     `json:"records" doc:"that are kept" example:"20"`
	Bytes          int64     `json:"bytes" doc:"what is stored" example:"4096"`
	FirstTimestamp timestamp `json:"first_timestamp" nullable:"true" doc:"the earliest time of a record; null of none"`
	LastTimestamp  timestamp `json:"last_timestamp" nullable:"true" doc:"the latest time of a record; null of none"`
}

// topicList is the topics, by name.
type topicList struct {
	Topics  list[string]       `json:"topics" doc:"their names, sorted" example:"[\"news\"]"`
	Details list[topicSummary] `json:"details,omitempty" doc:"figures of each; with detail=true alone"`
	cutAt
}

var topicListParams = request.Params[topicListQuery]{
	{Name: "detail", Axis: "answer", Type: schema.Bool().Else(false).Like(true).
		Says("add figures of each topic"),
		Set: func(q *topicListQuery, v request.Value) (err error) {
			q.detail, err = v.Bool()
			return err
		}},
	{Name: "limit", Axis: "how much", Type: limitType,
		Set: func(q *topicListQuery, v request.Value) error { return q.window.setLimit(v) }},
	{Name: "after", Axis: "how much", EmptyIsNone: true, Type: request.TopicName.Says("go on after this topic"),
		Set: func(q *topicListQuery, v request.Value) error {
			return q.window.setAfter("topic", v)
		}},
}

type topicListQuery struct {
	detail bool
	window window
}

// listTopics is GET /topics.
func (s *Server) listTopics(c *call, q topicListQuery) (answer topicList, err error) {
	topics, err := s.cfg.Broker.Topics(s.life.calls)
	if err != nil {
		return answer, err
	}
	topics = only(topics, func(t broker.Topic) bool { return c.sees(t.Name()) })
	topics, answer.Next = cut(q.window, topics, broker.Topic.Name)
	for _, t := range topics {
		answer.Topics = append(answer.Topics, t.Name())
	}
	if q.detail {
		answer.Details, err = s.summaries(c, topics)
	}
	return answer, err
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
