package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Group is a consumer group's state.
type Group struct {
	Answer
	Created    bool          `json:"-"` // by this call of CreateGroup
	Name       string        `json:"group"`
	Start      string        `json:"start"` // where partitions without a commit begin
	Generation int64         `json:"generation"`
	Members    []GroupMember `json:"members"`
	Offsets    []GroupOffset `json:"offsets"`
	Lag        int64         `json:"lag"`
}

// GroupMember is a live member of a Group.
type GroupMember struct {
	Member     string           `json:"member"`
	Topics     []string         `json:"topics"`
	Assignment map[string][]int `json:"assignment"` // partitions by topic
	ExpiresAt  time.Time        `json:"expires_at"`
}

// GroupOffset is where a group is in a partition.
type GroupOffset struct {
	Topic           string    `json:"topic"`
	Partition       int       `json:"partition"`
	CommittedOffset *int64    `json:"committed_offset"` // the next record to read; nil: nothing was committed
	Metadata        string    `json:"metadata"`
	Timestamp       time.Time `json:"timestamp"` // of the commit
	HighWaterMark   int64     `json:"high_water_mark"`
	Lag             int64     `json:"lag"`
	LagMs           int64     `json:"lag_ms"` // age of the next unread record; 0 at the end
}

// GroupList is every group.
type GroupList struct {
	Answer
	Groups []GroupSummary `json:"groups"`
}

// GroupSummary is a group in a GroupList.
type GroupSummary struct {
	Group   string   `json:"group"`
	Members int      `json:"members"`
	Topics  []string `json:"topics"`
	Lag     int64    `json:"lag"`
}

// GroupOffsets is where a group is.
type GroupOffsets struct {
	Answer
	Offsets []GroupOffset `json:"offsets"`
}

// CommitItem sets a group's offset in a topic: to Offset, or to where At is; exactly one of them.
type CommitItem struct {
	Topic     string `json:"topic"`
	Partition *int   `json:"partition,omitempty"` // nil: all of the topic
	Offset    *int64 `json:"offset,omitempty"`    // the next record to read
	At        string `json:"at,omitempty"`        // earliest, latest, or a time as in FetchOptions.FromTime
	Metadata  string `json:"metadata,omitempty"`  // up to 1024 characters
}

// CommitOptions are about a whole commit.
type CommitOptions struct {
	DryRun bool // show what would be, and change nothing
	Force  bool // although members live; what they acknowledge from before is fenced then
	// Member commits what it holds since Generation; an *Error with status 409 (fenced) says that it does not, or not any
	// more. "" is nobody in particular.
	Member     string
	Generation int64
}

// Committed is what a commit did, or would do.
type Committed struct {
	Answer
	Offsets []CommittedOffset `json:"offsets"`
}

// CommittedOffset is a partition's commit; PreviousOffset is nil when there was none before.
type CommittedOffset struct {
	Topic           string    `json:"topic"`
	Partition       int       `json:"partition"`
	CommittedOffset int64     `json:"committed_offset"`
	PreviousOffset  *int64    `json:"previous_offset"`
	Timestamp       time.Time `json:"timestamp"`
}

// CreateGroup makes a group; it is no error if it exists. Start says where partitions without a commit begin: earliest,
// latest, or "" for the server's choice.
func (c *Client) CreateGroup(ctx context.Context, group, start string) (*Group, error) {
	path, err := path("/groups/%s", group)
	if err != nil {
		return nil, err
	}
	r, err := request{method: "PUT", path: path}.withJSON(struct {
		Start string `json:"start,omitempty"`
	}{start})
	if err != nil {
		return nil, err
	}
	var g Group
	status, err := c.call(ctx, r, &g)
	if err != nil {
		return nil, err
	}
	g.Created = status == http.StatusCreated
	return &g, nil
}

// Groups lists all groups.
func (c *Client) Groups(ctx context.Context) (*GroupList, error) {
	var l GroupList
	if _, err := c.call(ctx, request{method: "GET", path: "/groups"}, &l); err != nil {
		return nil, err
	}
	return &l, nil
}

// Group describes a group.
func (c *Client) Group(ctx context.Context, group string) (*Group, error) {
	path, err := path("/groups/%s", group)
	if err != nil {
		return nil, err
	}
	var g Group
	if _, err := c.call(ctx, request{method: "GET", path: path}, &g); err != nil {
		return nil, err
	}
	return &g, nil
}

// DeleteGroup deletes a group and what it committed. While it has live members that is an *Error with status 409,
// unless force is set.
func (c *Client) DeleteGroup(ctx context.Context, group string, force bool) error {
	path, err := path("/groups/%s", group)
	if err != nil {
		return err
	}
	r := request{method: "DELETE", path: path}
	if force {
		r.query = url.Values{"force": {"true"}}
	}
	_, err = c.call(ctx, r, nil)
	return err
}

// GroupOffsets tells where a group is in every partition of topic, or with "" in all topics that it committed to.
func (c *Client) GroupOffsets(ctx context.Context, group, topic string) (*GroupOffsets, error) {
	path, err := path("/groups/%s/offsets", group)
	if err != nil {
		return nil, err
	}
	r := request{method: "GET", path: path}
	if topic != "" {
		r.query = url.Values{"topic": {topic}}
	}
	var o GroupOffsets
	if _, err := c.call(ctx, r, &o); err != nil {
		return nil, err
	}
	return &o, nil
}

// Commit sets a group's offsets, forward or back: all items or none. While members live that takes o.Member or o.Force.
func (c *Client) Commit(ctx context.Context, group string, items []CommitItem, o CommitOptions) (*Committed, error) {
	path, err := path("/groups/%s/offsets", group)
	if err != nil {
		return nil, err
	}
	body := struct {
		Member     string       `json:"member,omitempty"`
		Generation *int64       `json:"generation,omitempty"`
		Offsets    []CommitItem `json:"offsets"`
	}{Member: o.Member, Offsets: items}
	if o.Member != "" {
		body.Generation = &o.Generation
	}
	r, err := request{method: "POST", path: path, query: o.query()}.withJSON(body)
	if err != nil {
		return nil, err
	}
	var done Committed
	if _, err := c.call(ctx, r, &done); err != nil {
		return nil, err
	}
	return &done, nil
}

func (o CommitOptions) query() url.Values {
	q := url.Values{}
	if o.DryRun {
		q.Set("dry_run", "true")
	}
	if o.Force {
		q.Set("force", "true")
	}
	return q
}
