package http

import (
	"context"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// topicView is a topic's configuration and state on the wire.
type topicView struct {
	Topic          string          `json:"topic"`
	Partitions     int             `json:"partitions"`
	RetentionMs    int64           `json:"retention_ms"`
	RetentionBytes int64           `json:"retention_bytes"`
	SegmentBytes   int64           `json:"segment_bytes"`
	Details        []partitionView `json:"details"`
	Groups         []groupLag      `json:"groups"`
}

type partitionView struct {
	Partition     int   `json:"partition"`
	Earliest      int64 `json:"earliest"`
	HighWaterMark int64 `json:"high_water_mark"`
	Bytes         int64 `json:"bytes"`
	Segments      int   `json:"segments"`
	// Error tells that the partition is down and its figures are not known.
	Error string `json:"error,omitempty"`
}

// groupLag is how far a group that reads the topic is behind.
type groupLag struct {
	Group string `json:"group"`
	Lag   int64  `json:"lag"`
}

// putTopic is PUT /topics/{topic}: create, or set what the body names.
func (s *Server) putTopic(ctx *fasthttp.RequestCtx) error {
	name, err := topicName(ctx)
	if err != nil {
		return err
	}
	if s.draining() {
		return broker.ErrDraining
	}
	if err := errors.Join(noParams(ctx), wantJSON(ctx)); err != nil {
		return err
	}
	change, err := s.topicChange(ctx)
	if err != nil {
		return err
	}
	topic, created, err := s.cfg.Broker.CreateTopic(s.calls, name, change)
	if err != nil {
		return s.createFault(err, name, change)
	}
	status := fasthttp.StatusOK
	if created {
		status = fasthttp.StatusCreated
	}
	return s.showTopic(ctx, status, topic)
}

// createFault tells a refused partition count from the rest.
func (s *Server) createFault(err error, name string, change broker.TopicChange) error {
	if !errors.Is(err, broker.ErrPartitionsImmutable) {
		return err
	}
	extra := details{"topic": name, "asked": change.Partitions}
	if t, err := s.cfg.Broker.Topic(s.calls, name); err == nil {
		extra["partitions"] = t.Config().Partitions
	}
	return &apiError{
		status: 409, code: "partitions_immutable", details: extra,
		message: "Topic '" + name + "' exists with another partition count, which can't change",
	}
}

// describeTopic is GET /topics/{topic}.
func (s *Server) describeTopic(ctx *fasthttp.RequestCtx) error {
	topic, err := s.namedTopic(ctx, nil, nil)
	if err != nil {
		return err
	}
	return s.showTopic(ctx, fasthttp.StatusOK, topic)
}

// namedTopic does what every read of one topic begins with: name, query, Accept, lookup.
func (s *Server) namedTopic(
	ctx *fasthttp.RequestCtx, params []string, set func(name string, value []byte) error,
) (broker.Topic, error) {
	name, err := topicName(ctx)
	if err != nil {
		return nil, err
	}
	if err := eachParam(ctx, params, set); err != nil {
		return nil, err
	}
	if err := wantJSON(ctx); err != nil {
		return nil, err
	}
	return s.topic(name)
}

func (s *Server) showTopic(ctx *fasthttp.RequestCtx, status int, topic broker.Topic) error {
	config := topic.Config()
	view := topicView{
		Topic: topic.Name(), Partitions: config.Partitions, RetentionMs: config.RetentionMs,
		RetentionBytes: config.RetentionBytes, SegmentBytes: config.SegmentBytes,
	}
	err := eachPartition(s.calls, topic, func(partition int, p broker.PartitionStats, down string) {
		view.Details = append(view.Details, partitionView{
			Partition: partition, Earliest: p.LogStart, HighWaterMark: p.HighWatermark, Bytes: p.Bytes, Segments: p.Segments,
			Error: down,
		})
	})
	if err != nil {
		return err
	}
	if view.Groups, err = s.groupsOf(topic.Name()); err != nil {
		return err
	}
	writeJSON(ctx, status, view)
	return nil
}

// eachPartition shows the figures of a topic's partitions. One that is down has none, and down says why: the others are
// there all the same.
func eachPartition(
	ctx context.Context, topic broker.Topic, see func(partition int, p broker.PartitionStats, down string),
) error {
	for partition := range topic.Config().Partitions {
		p, err := topic.Stats(ctx, partition)
		down := ""
		if errors.Is(err, broker.ErrStorage) {
			p, down, err = noStats, "storage_error", nil
		}
		if err != nil {
			return aboutTopic(fmt.Errorf("partition %d: stats: %w", partition, err), topic.Name())
		}
		see(partition, p, down)
	}
	return nil
}

// noStats are those of a partition that nothing is known of.
var noStats = broker.PartitionStats{FirstTimestamp: -1, LastTimestamp: -1}

// aboutTopic names the topic that is not there, or no longer; other errors stay as they are.
func aboutTopic(err error, name string) error {
	if errors.Is(err, broker.ErrTopicNotFound) {
		return topicNotFound(name)
	}
	return err
}

// deleteTopic is DELETE /topics/{topic}.
func (s *Server) deleteTopic(ctx *fasthttp.RequestCtx) error {
	name, err := topicName(ctx)
	if err != nil {
		return err
	}
	if s.draining() {
		return broker.ErrDraining
	}
	if err := noParams(ctx); err != nil {
		return err
	}
	if err := s.cfg.Broker.DeleteTopic(s.calls, name); err != nil {
		return aboutTopic(err, name)
	}
	ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
