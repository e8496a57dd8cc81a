package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ProduceOptions are the same for all records of a request.
type ProduceOptions struct {
	Partition *int // for records that name none themselves; nil: by key
	Sync      bool // answer only when the records are synced to disk
	Offsets   bool // fill Produced.Offsets

	// IdempotencyKey names the request: 1 to 128 printable ASCII characters, new for each request and the same for each
	// try of it, also by another process. "": a random one if there is to be a Retry, else none.
	IdempotencyKey string
	Retry          Retry
}

// Produced says where a request's records went.
type Produced struct {
	Answer
	Offset     int64             `json:"offset"`    // of the last record
	Timestamp  time.Time         `json:"timestamp"` // of the last record
	Count      int               `json:"count"`
	Partitions []PartitionRange  `json:"partitions"`
	Offsets    []PartitionOffset `json:"offsets"` // in the order sent; only with ProduceOptions.Offsets
	// Replayed says that an earlier try had stored all of it: offsets and time are those of then.
	Replayed bool `json:"-"`
}

func (p *Produced) keep(head http.Header, body []byte) {
	p.Answer.keep(head, body)
	p.Replayed = head.Get("Idempotency-Replayed") == "true"
}

// PartitionRange is what one request stored in a partition: all offsets from base to last. A partition has several
// where record batches that were stored before are not next to those that are new.
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
// from for a moment after the answer has come; with a Retry it is read whole before anything is sent.
func (c *Client) ProduceBody(
	ctx context.Context, topic, contentType string, body io.Reader, o ProduceOptions,
) (*Produced, error) {
	path, err := path("/topics/%s/records", topic)
	if err == nil {
		err = o.Retry.check()
	}
	if err != nil {
		return nil, err
	}
	r := request{method: "POST", path: path, query: o.query(), media: contentType, key: o.IdempotencyKey}
	if o.Retry.For == 0 {
		return c.produce(ctx, r, body)
	}
	if r.key == "" {
		r.key = NewIdempotencyKey()
	}
	whole, err := wholeBody(body)
	if err != nil {
		return nil, err
	}
	var p *Produced
	err = c.retry(ctx, o.Retry, func() (err error) {
		p, err = c.produce(ctx, r, bytes.NewReader(whole)) // the last try may still read from its own
		return err
	})
	return p, err
}

// produce is one try.
func (c *Client) produce(ctx context.Context, r request, body io.Reader) (*Produced, error) {
	if _, sized := body.(*bytes.Reader); !sized { // which needs no wrapping: it cannot fail
		body = source{body}
	}
	r.body = body
	var p Produced
	if _, err := c.call(ctx, r, &p); err != nil {
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
