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
	g, err := newCargo(fillLoad(k.plan.cargo.Load))
	if err != nil {
		return err
	}
	c := k.plan.driver(k.server, g.source(k.server.host(), k.topic))
	c.Connections = min(4, c.Connections)
	d, err := drive.New(ctx, c)
	if err != nil {
		return err
	}
	defer d.Close()
	n := max(fillBytes/g.valueBytes(), int64(2*g.Partitions))
	filled, err := d.Run(ctx, drive.NewPhase(0, n, 0))
	if err == nil && filled.OK < n {
		err = fmt.Errorf("%d of %d requests failed: %s", n-filled.OK, n, filled.First)
	}
	return err
}

// fillLoad is what fills a topic for consume: batches where they are to be compressed, else plain JSON. So many records
// a request that whole batches make an answer, if that is not too few.
func fillLoad(l report.Load) report.Load {
	most := min(max(fillBody/l.Size, 1), 1000)
	n := most
	for n > 1 && l.Batch%n != 0 {
		n--
	}
	if n < most/4 {
		n = most
	}
	l.Batch, l.Format, l.Idempotent = n, report.Formats[0], false
	if l.Compression != "" || l.PerBatch > 0 {
		l.Format = "batch"
	}
	return l
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
func (k stock) fetches(ctx context.Context, l report.Load) ([]fetch, error) {
	there, err := k.plan.api(k.server).extents(ctx, k.topic)
	if err != nil {
		return nil, err
	}
	var list []fetch
	batch := int64(l.Batch)
	for _, e := range there {
		for offset := e.Earliest; offset+batch <= e.End && len(list) < maxFetches; offset += batch {
			request := drive.Get(k.server.host(), fetchPath(l, k.topic, e.Partition, offset), mediaTypes[l.Format])
			list = append(list, fetch{request, e.Partition, offset})
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
	l := k.plan.cargo.Load
	list, err := k.fetches(ctx, l)
	if err != nil {
		return 0, err
	}
	got, err := k.plan.api(k.server).get(ctx, fetchPath(l, k.topic, list[0].partition, list[0].offset),
		mediaTypes[l.Format])
	if err != nil {
		return 0, err
	}
	if !got.ok() {
		return 0, fmt.Errorf("fetch: the server answered %s", got)
	}
	return len(got.body), nil
}

// consume measures fetches of whole answers, the connections spread over the topic.
func (t *turn) consume(ctx context.Context, from stock, l report.Load) error {
	list, err := from.fetches(ctx, l)
	if err != nil {
		return err
	}
	source, sink := newReads(l, list, t.run.plan.config.Connections)
	c := t.run.plan.driver(t.side.server, source)
	c.Sink, c.KeepsBodies = sink, l.Decode
	return t.drive(ctx, 0, c)
}
