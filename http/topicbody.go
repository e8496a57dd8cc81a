package http

import (
	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// Bounds of segment_bytes: a segment holds at least a batch's header, and a file position fits an index entry.
const (
	minSegmentBytes = 1024
	maxSegmentBytes = 1<<31 - 1
)

// topicChange reads the body of PUT /topics/{topic}; none is a wish for nothing in particular.
func (s *Server) topicChange(ctx *fasthttp.RequestCtx) (c broker.TopicChange, err error) {
	err = s.jsonBody(ctx, func(body []byte) (err error) {
		c, err = s.parseTopicChange(body)
		return err
	})
	return c, err
}

// parseTopicChange reads the fields that it knows and ignores others. encoding/json alone would fold case and let the
// last of two equal members win, so it only splits the object here.
func (s *Server) parseTopicChange(body []byte) (c broker.TopicChange, err error) {
	fields, err := splitObject(body)
	if err != nil {
		return c, err
	}
	if raw, ok := fields["partitions"]; ok {
		n, err := intField("partitions", raw, 1, int64(s.cfg.MaxPartitions), false)
		if err != nil {
			return c, err
		}
		c.Partitions = int(n)
	}
	for _, f := range []struct {
		name      string
		target    **int64
		low, high int64
		unlimited bool
	}{
		{"retention_ms", &c.RetentionMs, 1, 1<<63 - 1, true},
		{"retention_bytes", &c.RetentionBytes, 1, 1<<63 - 1, true},
		{"segment_bytes", &c.SegmentBytes, minSegmentBytes, maxSegmentBytes, false},
	} {
		if raw, ok := fields[f.name]; ok {
			n, err := intField(f.name, raw, f.low, f.high, f.unlimited)
			if err != nil {
				return c, err
			}
			*f.target = &n
		}
	}
	return c, nil
}
