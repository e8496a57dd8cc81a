package client

import (
	"context"
	"time"
)

// Health is what a broker that serves says of itself.
type Health struct {
	Answer
	Status              string    `json:"status"` // healthy
	Service             string    `json:"service"`
	Timestamp           time.Time `json:"timestamp"`
	Version             string    `json:"version"`
	UptimeMs            int64     `json:"uptime_ms"`
	TopicsCount         int       `json:"topics_count"`
	ConsumerGroupsCount int       `json:"consumer_groups_count"`
}

// Health asks whether the broker serves.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	var h Health
	if _, err := c.call(ctx, request{method: "GET", path: "/health"}, &h); err != nil {
		return nil, err
	}
	return &h, nil
}

// Ready asks whether the broker takes writes. nil is yes; no is an *Error with status 503, whose Code is the reason:
// recovering, draining, disk_full or storage_error.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.call(ctx, request{method: "GET", path: "/ready"}, nil)
	return err
}
