package client

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"strconv"
	"time"
)

// ProduceOptions are the same for all records of a request.
type ProduceOptions struct {
	Partition *int // for records that name none themselves; nil: by key
	Sync      bool // answer only when the records are synced to disk
	Offsets   bool // fill Produced.Offsets
}

// Produced says where a request's records went.
type Produced struct {
	Answer
	Offset     int64             `json:"offset"`    // of the last record
	Timestamp  time.Time         `json:"timestamp"` // of the last record
	Count      int               `json:"count"`
	Partitions []PartitionRange  `json:"partitions"`
	Offsets    []PartitionOffset `json:"offsets"` // in the order sent; only with ProduceOptions.Offsets
}

// PartitionRange is what one request stored in a partition: all offsets from base to last.
type PartitionRange struct {
	Partition  int   `json:"partition"`
	BaseOffset int64 `json:"base_offset"`
	LastOffset int64 `json:"last_offset"`
}

// PartitionOffset is a record's place.
type PartitionOffset struct {
	Partition int   `json:"partition"`
	Offset    int64 `json:"offset"`
}

// Produce stores records, all of them or none. Any number may go in one request, up to the server's bound on its size
// (16 MiB unless it was told otherwise); more is an *Error with status 413.
func (c *Client) Produce(ctx context.Context, topic string, rs []ProducerRecord, o ProduceOptions) (*Produced, error) {
	var lines []byte
	for _, r := range rs {
		line, err := marshal(r)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line...)
	}
	return c.ProduceBody(ctx, topic, mediaNDJSON, bytes.NewReader(lines), o)
}

// ProduceBody sends a body that is written already: application/json is {"records":[...]} with up to 1000 records,
// application/x-ndjson is a record object per line. An error of body itself comes back as it is. Body may still be read
// from for a moment after the answer has come.
func (c *Client) ProduceBody(
	ctx context.Context, topic, contentType string, body io.Reader, o ProduceOptions,
) (*Produced, error) {
	path, err := path("/topics/%s/records", topic)
	if err != nil {
		return nil, err
	}
	if _, sized := body.(*bytes.Reader); !sized { // which needs no wrapping: it cannot fail
		body = source{body}
	}
	var p Produced
	_, err = c.call(ctx, request{method: "POST", path: path, query: o.query(), media: contentType, body: body}, &p)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

func (o ProduceOptions) query() url.Values {
	q := url.Values{}
	if o.Partition != nil {
		q.Set("partition", strconv.Itoa(*o.Partition))
	}
	if o.Sync {
		q.Set("sync", "true")
	}
	if o.Offsets {
		q.Set("return", "offsets")
	}
	return q
}

// source marks the errors of a caller's reader.
type source struct{ r io.Reader }

func (s source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.EOF is never wrapped
		err = &sourceError{err}
	}
	return n, err
}
