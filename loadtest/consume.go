package loadtest

import (
	"cmp"
	"context"
	"fmt"

	"flashq/loadtest/drive"
)

const (
	// fillBytes of values are written for consume, where the topic has nothing.
	fillBytes = 64 << 20
	// fillBody is about what one request of them carries.
	fillBody = 256 << 10
	// maxFetches bounds the prebuilt fetches: a topic that has more is read up to there, again and again.
	maxFetches = 16 << 10
)

// stock is the topic that consume reads in all rounds.
type stock struct {
	run    *run
	plan   *plan
	server *server
	topic  string
}

func (r *run) newStock(s *server) stock {
	return stock{run: r, plan: r.plan, server: s, topic: cmp.Or(r.plan.config.Topic, r.plan.name)}
}

// fill writes records where the topic to be read has none. On a server that others use, only a topic that nobody named
// is filled, or one that doesn't exist.
func (k stock) fill(ctx context.Context) error {
	a := k.plan.api(k.server)
	switch there, err := a.extents(ctx, k.topic); {
	case err != nil:
		return err
	case records(there) > 0:
		k.run.report.Topic = k.topic
		return nil
	}
	if k.plan.config.Topic == "" && k.server.stays() {
		k.run.undo = append(k.run.undo, func() { _, _ = a.deleteTopic(context.WithoutCancel(ctx), k.topic) })
	}
	if err := k.plan.ensureTopic(ctx, k.server, k.topic); err != nil {
		return err
	}
	l := k.plan.config.Load
	l.Batch = min(max(fillBody/l.Size, 1), 1000)
	list, err := bodies(l)
	if err != nil {
		return err
	}
	requests := produceRequests(k.server.address, k.topic, l.Format, list)
	c := k.plan.driver(k.server, func(int) drive.Source {
		return drive.NewFixed(requests, int64(l.Batch), int64(l.Size*l.Batch))
	})
	c.Connections = min(4, c.Connections)
	d, err := drive.New(ctx, c)
	if err != nil {
		return err
	}
	defer d.Close()
	n := max(fillBytes/int64(l.Size*l.Batch), int64(2*l.Partitions))
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
func (k stock) fetches(ctx context.Context) ([][]byte, error) {
	there, err := k.plan.api(k.server).extents(ctx, k.topic)
	if err != nil {
		return nil, err
	}
	var list [][]byte
	batch := k.plan.config.Batch
	for _, e := range there {
		for offset := e.Earliest; offset+int64(batch) <= e.End && len(list) < maxFetches; offset += int64(batch) {
			list = append(list, fetchRequest(k.server.address, k.topic, k.plan.config.Format, e.Partition, offset, batch))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: topic %s has no partition with %d records; allowed: a smaller --batch", ErrConfig,
			k.topic, batch)
	}
	if len(list) == maxFetches {
		k.run.report.Note(fmt.Sprintf("the first %d records are read, again and again", maxFetches*batch))
	}
	return list, nil
}

// answerSize is how long an answer to consume's first fetch is.
func (k stock) answerSize(ctx context.Context) (int, error) {
	path := fmt.Sprintf("/topics/%s/records?from_offset=earliest&max_records=%d&max_bytes=%d", k.topic,
		k.plan.config.Batch, maxFetchBytes)
	got, err := k.plan.api(k.server).call(ctx, "GET", path, "")
	if err != nil {
		return 0, err
	}
	if !got.ok() {
		return 0, fmt.Errorf("fetch: the server answered %s", got)
	}
	return len(got.body), nil
}

// consume measures fetches of whole answers, the connections spread over the topic.
func (t *turn) consume(ctx context.Context, from stock) error {
	requests, err := from.fetches(ctx)
	if err != nil {
		return err
	}
	c := &t.run.plan.config
	return t.drive(ctx, 0, func(int) drive.Source {
		f := drive.NewFixed(requests, int64(c.Batch), 0)
		f.Apart = max(len(requests)/c.Connections, 1)
		return f
	})
}
