package http

import (
	"errors"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// offsetView is where something stands in one partition; its timestamp is that of the record at the offset, null at the
// end.
type offsetView struct {
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp timestamp `json:"timestamp"`
}

// topicOffsets is GET /topics/{topic}/offsets?at=.
func (s *Server) topicOffsets(ctx *fasthttp.RequestCtx) error {
	at, millis := "latest", int64(0)
	topic, err := s.namedTopic(ctx, []string{"at"}, func(name string, value []byte) (err error) {
		if at = string(value); at != "latest" && at != "earliest" {
			millis, err = timeParam(name, value, time.Now().UnixMilli())
		}
		return err
	})
	if err != nil {
		return err
	}
	var answer struct {
		Partitions []offsetView `json:"partitions"`
		Position   string       `json:"position"`
	}
	var position []byte
	for partition := range topic.Config().Partitions {
		v, err := s.offsetAt(topic, partition, at, millis)
		if err != nil {
			return aboutTopic(err, topic.Name())
		}
		answer.Partitions = append(answer.Partitions, v)
		position = appendMark(position, 0, partition, v.Offset)
	}
	answer.Position = string(position)
	writeJSON(ctx, fasthttp.StatusOK, answer)
	return nil
}

func (s *Server) offsetAt(topic broker.Topic, partition int, at string, millis int64) (offsetView, error) {
	v := offsetView{Partition: partition, Timestamp: noTime}
	if at != "latest" && at != "earliest" {
		return s.offsetForTime(topic, v, millis)
	}
	stats, err := topic.Stats(s.calls, partition)
	if err != nil {
		return v, fmt.Errorf("partition %d: stats: %w", partition, err)
	}
	v.Offset = stats.HighWatermark
	if at == "earliest" {
		v.Offset, v.Timestamp = stats.LogStart, statTime(stats.FirstTimestamp)
	}
	return v, nil
}

// offsetForTime finds the first record that is not older than millis, else the end; again if retention was faster.
func (s *Server) offsetForTime(topic broker.Topic, v offsetView, millis int64) (offsetView, error) {
	var err error
	for range maxGone {
		if v, err = s.offsetForTimeOnce(topic, v, millis); !errors.Is(err, broker.ErrGone) {
			break
		}
	}
	return v, err
}

func (s *Server) offsetForTimeOnce(topic broker.Topic, v offsetView, millis int64) (offsetView, error) {
	view, err := topic.Snapshot(s.calls, v.Partition)
	if err != nil {
		return v, fmt.Errorf("partition %d: %w", v.Partition, err)
	}
	defer view.Close()
	offset, time, ok, err := view.OffsetForTime(millis)
	if err != nil {
		return v, fmt.Errorf("partition %d: offset for time: %w", v.Partition, corruptData(err, v.Partition))
	}
	if !ok {
		offset, time = view.HighWatermark(), int64(noTime)
	}
	v.Offset, v.Timestamp = offset, timestamp(time)
	return v, nil
}

// corruptData gives damage its answer; other errors stay as they are.
func corruptData(err error, partition int) error {
	var corrupt *broker.CorruptError
	if !errors.As(err, &corrupt) {
		return err
	}
	return corruptError(partition, corrupt.FirstOffset, corrupt.NextGoodOffset)
}
