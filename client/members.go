package client

import (
	"context"
	"time"
)

// JoinOptions say what a member of a group reads.
type JoinOptions struct {
	// Topics take the place of those that the member asked for before; nil leaves them as they are. They need not exist.
	Topics []string
	// Session is how long the lease lives after the last call, 1 s to 5 min in whole milliseconds; 0 leaves it as it is,
	// and is 30 s for a new member.
	Session time.Duration
}

// Membership is what a member has in a group.
type Membership struct {
	Answer
	Generation int64            `json:"generation"`
	Assignment map[string][]int `json:"assignment"` // partitions by topic
	ExpiresAt  time.Time        `json:"expires_at"` // when the lease ends if nothing more is heard of the member
}

// JoinGroup makes a member of a group, or keeps it one: it is the heartbeat, too. A Fetch with FetchOptions.Member
// does the same by itself, so who fetches in a loop needs neither.
func (c *Client) JoinGroup(ctx context.Context, group, member string, o JoinOptions) (*Membership, error) {
	path, err := path("/groups/%s/members/%s", group, member)
	if err != nil {
		return nil, err
	}
	r, err := request{method: "PUT", path: path}.withJSON(struct {
		Topics    []string `json:"topics,omitempty"`
		SessionMs int64    `json:"session_ms,omitempty"`
	}{o.Topics, o.Session.Milliseconds()})
	if err != nil {
		return nil, err
	}
	var m Membership
	if _, err := c.call(ctx, r, &m); err != nil {
		return nil, err
	}
	return &m, nil
}

// Heartbeat renews the lease of a member that is there. One whose lease has ended has to join again: that is an *Error
// with status 422.
func (c *Client) Heartbeat(ctx context.Context, group, member string) (*Membership, error) {
	return c.JoinGroup(ctx, group, member, JoinOptions{})
}

// LeaveGroup ends a member; its partitions move at once.
func (c *Client) LeaveGroup(ctx context.Context, group, member string) error {
	path, err := path("/groups/%s/members/%s", group, member)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, request{method: "DELETE", path: path}, nil)
	return err
}
