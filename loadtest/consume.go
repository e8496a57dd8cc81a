package loadtest

import (
	"cmp"
	"context"
	"fmt"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

const (
	// fillBytes of values are written for consume, where the topic has nothing.
	fillBytes = 64 << 20
	// fillBody is about what one request of them carries.
	fillBody = 256 << 10
	// maxFetches bounds the prebuilt fetches: a topic that has more is read up to there, again and again.
	maxFetches = 16 << 10
)

// consumeTopic is the one that is read in all rounds.
func (r *run) consumeTopic() string { return cmp.Or(r.Topic, r.name) }

// fill writes records where the topic to be read has none. On a server that others use, only a topic that nobody named
// is filled, or one that doesn't exist.
func (r *run) fill(ctx context.Context, s *server) error {
	a := newAPI(s.address, r.Timeout)
	topic := r.consumeTopic()
	if there, err := a.extents(ctx, topic); err != nil || records(there) > 0 {
		return err
	}
	if r.Topic == "" {
		r.left = topic
	}
	if err := r.ensureTopic(ctx, a, topic); err != nil {
		return err
	}
	l := r.Load
	l.Batch = min(max(fillBody/l.Size, 1), 1000)
	list, err := bodies(l)
	if err != nil {
		return err
	}
	requests := produceRequests(s.address, topic, r.Format, list)
	d, err := drive.New(ctx, drive.Config{Address: s.address, Connections: min(4, r.Connections), Timeout: r.Timeout,
		Source: func(int) drive.Source { return drive.NewFixed(requests, int64(l.Batch), int64(l.Size*l.Batch)) }})
	if err != nil {
		return err
	}
	defer d.Close()
	n := max(fillBytes/int64(l.Size*l.Batch), int64(2*r.Partitions))
	filled, err := d.Run(ctx, drive.NewPhase(0, n, 0))
	if err == nil && filled.OK < n {
		err = fmt.Errorf("%d of %d requests failed: %s", n-filled.OK, n, filled.First)
	}
	return err
}

func records(list []extent) int64 {
	var n int64
	for _, e := range list {
		n += e.End - e.Earliest
	}
	return n
}

// fetches are the requests that read a topic from end to end, but the last ones of a partition that would find less
// than a whole answer.
func (r *run) fetches(ctx context.Context, s *server) ([][]byte, error) {
	topic := r.consumeTopic()
	there, err := newAPI(s.address, r.Timeout).extents(ctx, topic)
	if err != nil {
		return nil, err
	}
	var list [][]byte
	for _, e := range there {
		for offset := e.Earliest; offset+int64(r.Batch) <= e.End && len(list) < maxFetches; offset += int64(r.Batch) {
			list = append(list, fetchRequest(s.address, topic, r.Format, e.Partition, offset, r.Batch))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: topic %s has no partition with %d records; allowed: a smaller --batch", ErrConfig,
			topic, r.Batch)
	}
	if len(list) == maxFetches {
		r.report.Note(fmt.Sprintf("the first %d records are read, again and again", maxFetches*r.Batch))
	}
	return list, nil
}

// consume measures fetches of whole answers, the connections spread over the topic.
func (r *run) consume(ctx context.Context, i int, round *report.Round, x *side) error {
	requests, err := r.fetches(ctx, x.server)
	if err != nil {
		return err
	}
	apart := max(len(requests)/r.Connections, 1)
	return r.drive(ctx, i, round, x.name, x.server, 0, func(int) drive.Source {
		f := drive.NewFixed(requests, int64(r.Batch), 0)
		f.Apart = apart
		return f
	})
}

// answerSize is how long an answer to consume's first fetch is.
func (r *run) answerSize(ctx context.Context, s *server) (int, error) {
	path := fmt.Sprintf("/topics/%s/records?from_offset=earliest&max_records=%d&max_bytes=%d", r.consumeTopic(), r.Batch,
		maxFetchBytes)
	got, err := newAPI(s.address, r.Timeout).call(ctx, "GET", path, "")
	if err != nil {
		return 0, err
	}
	if !got.ok() {
		return 0, fmt.Errorf("fetch: the server answered %d %s", got.status, drive.Excerpt(got.body))
	}
	return len(got.body), nil
}
