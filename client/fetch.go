package client

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// FetchOptions say what to read. A zero field leaves the choice to the server.
type FetchOptions struct {
	// Where to start: one of these at most. Without any, a fetch starts at the earliest record, or for a group at what
	// it committed.
	FromOffset string // earliest, latest, N, or -N for the last N of each partition
	FromTime   string // RFC 3339, epoch milliseconds, or a time ago such as -15m
	Position   string // as an answer before gave it: 0:15,2:7

	ToTime     string // end before the first record that is not older, written as FromTime
	Partitions []int  // nil: all
	MaxRecords int    // 1 to 10000 (100)
	MaxBytes   int    // of keys, values and headers, 1 to 16 MiB (1 MiB); the first record comes in any case
	MinBytes   int    // wait for so many (1)
	// Wait is how long to wait for MinBytes, up to 60 s, in whole milliseconds; 0 answers at once.
	Wait time.Duration
	// OmitHeaders leaves the records' headers out.
	OmitHeaders bool

	Group string // read for this group
	Ack   string // commit this position for Group first: what an answer before delivered
	// Member reads as a member of Group, which it joins: its own partitions only. An Ack of what it does not hold, or not
	// any more, is an *Error with status 409 (fenced): fetch without it, which joins again.
	Member  string
	Session time.Duration // of Member's lease, as in JoinOptions
}

// Fetched is a page of records. Order is strict within a partition, and not promised across them.
type Fetched struct {
	Answer
	Records []Record `json:"records"`
	// NextOffset and HighWaterMark are there when one partition was read.
	NextOffset    *int64           `json:"next_offset"`
	HighWaterMark *int64           `json:"high_water_mark"`
	Lag           int64            `json:"lag"`      // records that are left after this page
	Position      string           `json:"position"` // where to go on
	Partitions    []PartitionState `json:"partitions"`
	Group         *GroupState      `json:"group"` // nil without FetchOptions.Group
}

// PartitionState is how a partition stands after a fetch.
type PartitionState struct {
	Partition     int     `json:"partition"`
	NextOffset    int64   `json:"next_offset"`
	HighWaterMark int64   `json:"high_water_mark"` // the next offset to be written
	Earliest      int64   `json:"earliest"`
	Gap           int64   `json:"gap"`    // records asked for that retention had removed
	Beyond        int64   `json:"beyond"` // how far NextOffset is ahead of all there is
	End           *int64  `json:"end"`    // where ToTime ends the reading; nil without it
	Error         *Damage `json:"error"`  // nil: none
}

// Damage is a stretch of a partition that can't be read: from FirstOffset to before NextGoodOffset if it is damaged, or
// to before NextOffset if a file can't be read, which may come back. Of a partition that is down no offset is known.
type Damage struct {
	Code           string `json:"error"` // corrupt_data or storage_error
	Retryable      bool   `json:"retryable"`
	FirstOffset    int64  `json:"first_offset"`
	NextGoodOffset int64  `json:"next_good_offset"`
	NextOffset     int64  `json:"next_offset"`
}

// GroupState is what a group's fetch says of the group.
type GroupState struct {
	ID         string `json:"id"`
	Member     string `json:"member"`
	Generation int64  `json:"generation"`
	Assignment []int  `json:"assignment"`
	Committed  string `json:"committed"` // a position
}

// Fetch reads records of a topic. With Wait it returns when enough is there, the time is over, or ctx ends.
func (c *Client) Fetch(ctx context.Context, topic string, o FetchOptions) (*Fetched, error) {
	path, err := path("/topics/%s/records", topic)
	if err != nil {
		return nil, err
	}
	var f Fetched
	if _, err := c.call(ctx, request{method: "GET", path: path, query: o.query()}, &f); err != nil {
		return nil, err
	}
	return &f, nil
}

func (o FetchOptions) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"from_offset": o.FromOffset, "from_time": o.FromTime, "position": o.Position, "to_time": o.ToTime,
		"group": o.Group, "ack": o.Ack, "member": o.Member,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range map[string]int{
		"max_records": o.MaxRecords, "max_bytes": o.MaxBytes, "min_bytes": o.MinBytes,
		"timeout_ms": int(o.Wait.Milliseconds()), "session_ms": int(o.Session.Milliseconds()),
	} {
		if value != 0 {
			q.Set(name, strconv.Itoa(value))
		}
	}
	if o.Partitions != nil {
		list := make([]string, len(o.Partitions))
		for i, p := range o.Partitions {
			list[i] = strconv.Itoa(p)
		}
		q.Set("partition", strings.Join(list, ","))
	}
	if o.OmitHeaders {
		q.Set("include_headers", "false")
	}
	return q
}
