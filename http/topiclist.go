package http

import (
	"errors"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// topicSummary is a topic's line in a detailed list.
type topicSummary struct {
	Name           string    `json:"name"`
	Partitions     int       `json:"partitions"`
	Records        int64     `json:"records"`
	Bytes          int64     `json:"bytes"`
	FirstTimestamp timestamp `json:"first_timestamp"`
	LastTimestamp  timestamp `json:"last_timestamp"`
}

// listTopics is GET /topics.
func (s *Server) listTopics(ctx *fasthttp.RequestCtx) error {
	detail := false
	err := eachParam(ctx, []string{"detail"}, func(name string, value []byte) (err error) {
		detail, err = boolParam(name, value)
		return err
	})
	if err != nil {
		return err
	}
	if err := wantJSON(ctx); err != nil {
		return err
	}
	topics, err := s.cfg.Broker.Topics(s.calls)
	if err != nil {
		return err
	}
	answer := struct {
		Topics  []string        `json:"topics"`
		Details *[]topicSummary `json:"details,omitempty"` // when asked for
	}{Topics: []string{}}
	for _, t := range topics {
		answer.Topics = append(answer.Topics, t.Name())
	}
	if !detail {
		writeJSON(ctx, fasthttp.StatusOK, answer)
		return nil
	}
	details, err := s.summaries(topics)
	if err != nil {
		return err
	}
	answer.Details = &details
	writeJSON(ctx, fasthttp.StatusOK, answer)
	return nil
}

// summaries adds the partitions of each topic up; a topic that was deleted meanwhile is left out.
func (s *Server) summaries(topics []broker.Topic) ([]topicSummary, error) {
	list := make([]topicSummary, 0, len(topics))
	for _, t := range topics {
		sum := topicSummary{Name: t.Name(), Partitions: t.Config().Partitions, FirstTimestamp: noTime, LastTimestamp: noTime}
		err := eachPartition(s.calls, t, func(_ int, p broker.PartitionStats, _ string) {
			sum.Records += p.HighWatermark - p.LogStart
			sum.Bytes += p.Bytes
			sum.FirstTimestamp = earlier(sum.FirstTimestamp, statTime(p.FirstTimestamp))
			sum.LastTimestamp = max(sum.LastTimestamp, statTime(p.LastTimestamp))
		})
		var gone *apiError
		if errors.As(err, &gone) && gone.status == 404 {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, sum)
	}
	return list, nil
}
