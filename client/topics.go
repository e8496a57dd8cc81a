package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// TopicConfig is what a topic may be told; a nil field is left at its default, or as it is.
type TopicConfig struct {
	Partitions     *int   `json:"partitions,omitempty"`      // can't change later
	RetentionMs    *int64 `json:"retention_ms,omitempty"`    // -1: for ever
	RetentionBytes *int64 `json:"retention_bytes,omitempty"` // of each partition; -1: without bound
	SegmentBytes   *int64 `json:"segment_bytes,omitempty"`
	SegmentMs      *int64 `json:"segment_ms,omitempty"` // from a segment's first record on
}

// Topic is a topic's configuration and state.
type Topic struct {
	Answer
	Created        bool             `json:"-"` // by this call of CreateTopic
	Name           string           `json:"topic"`
	Partitions     int              `json:"partitions"`
	RetentionMs    int64            `json:"retention_ms"`
	RetentionBytes int64            `json:"retention_bytes"`
	SegmentBytes   int64            `json:"segment_bytes"`
	SegmentMs      int64            `json:"segment_ms"`
	Details        []TopicPartition `json:"details"`
	Groups         []TopicGroup     `json:"groups"`
}

// TopicPartition is one partition of a Topic.
type TopicPartition struct {
	Partition     int   `json:"partition"`
	Earliest      int64 `json:"earliest"`
	HighWaterMark int64 `json:"high_water_mark"`
	Bytes         int64 `json:"bytes"`
	Segments      int   `json:"segments"`
}

// TopicGroup is a group that reads a topic, and how many records it is behind.
type TopicGroup struct {
	Group string `json:"group"`
	Lag   int64  `json:"lag"`
}

// TopicList is every topic.
type TopicList struct {
	Answer
	Topics  []string       `json:"topics"`  // sorted
	Details []TopicSummary `json:"details"` // only when asked for
}

// TopicSummary is a topic in a TopicList.
type TopicSummary struct {
	Name           string    `json:"name"`
	Partitions     int       `json:"partitions"`
	Records        int64     `json:"records"`
	Bytes          int64     `json:"bytes"`
	FirstTimestamp time.Time `json:"first_timestamp"` // zero: the topic is empty
	LastTimestamp  time.Time `json:"last_timestamp"`
}

// TopicOffsets is where a time, or an end, of a topic is.
type TopicOffsets struct {
	Answer
	Partitions []TimedOffset `json:"partitions"`
	Position   string        `json:"position"` // the same, to fetch from
}

// TimedOffset is a place in a partition and the time of the record there, zero at the end.
type TimedOffset struct {
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
}

// Topics lists all topics, with sizes and times if detail is set.
func (c *Client) Topics(ctx context.Context, detail bool) (*TopicList, error) {
	r := request{method: "GET", path: "/topics"}
	if detail {
		r.query = url.Values{"detail": {"true"}}
	}
	var l TopicList
	if _, err := c.call(ctx, r, &l); err != nil {
		return nil, err
	}
	return &l, nil
}

// Topic describes a topic.
func (c *Client) Topic(ctx context.Context, name string) (*Topic, error) {
	path, err := path("/topics/%s", name)
	if err != nil {
		return nil, err
	}
	var t Topic
	if _, err := c.call(ctx, request{method: "GET", path: path}, &t); err != nil {
		return nil, err
	}
	return &t, nil
}

// CreateTopic makes a topic, or sets what config names of one that exists. Another partition count than it has is an
// *Error with status 409.
func (c *Client) CreateTopic(ctx context.Context, name string, config TopicConfig) (*Topic, error) {
	path, err := path("/topics/%s", name)
	if err != nil {
		return nil, err
	}
	r, err := request{method: "PUT", path: path}.withJSON(config)
	if err != nil {
		return nil, err
	}
	var t Topic
	status, err := c.call(ctx, r, &t)
	if err != nil {
		return nil, err
	}
	t.Created = status == http.StatusCreated
	return &t, nil
}

// DeleteTopic deletes a topic with all its records and its groups' offsets.
func (c *Client) DeleteTopic(ctx context.Context, name string) error {
	path, err := path("/topics/%s", name)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, request{method: "DELETE", path: path}, nil)
	return err
}

// TopicOffsets finds where at is in each partition: earliest, latest, or a time as in FetchOptions.FromTime.
func (c *Client) TopicOffsets(ctx context.Context, name, at string) (*TopicOffsets, error) {
	path, err := path("/topics/%s/offsets", name)
	if err != nil {
		return nil, err
	}
	var o TopicOffsets
	_, err = c.call(ctx, request{method: "GET", path: path, query: url.Values{"at": {at}}}, &o)
	if err != nil {
		return nil, err
	}
	return &o, nil
}
