package loadtest

import (
	"context"
	"fmt"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// side is one of what is measured in turn.
type side struct {
	name    string
	server  *server
	measure func(ctx context.Context, i int, round *report.Round) error
}

// start starts the servers and settles what is measured on them.
func (r *run) start(ctx context.Context) error {
	if r.Workload == report.Noop {
		return r.addNoop(ctx, 0)
	}
	if r.Some() && !r.SkipNoop && r.Target == "" {
		if err := r.addFlashQ(ctx, report.Empty, report.Growth{}); err != nil {
			return err
		}
	}
	if err := r.addFlashQ(ctx, r.Workload, r.Growth); err != nil {
		return err
	}
	if r.SkipNoop || r.Some() || r.Workload == report.EndToEnd {
		return nil
	}
	size := 0
	if r.Workload == report.Consume {
		var err error
		if size, err = r.answerSize(ctx, r.sides[0].server); err != nil {
			return err
		}
	}
	return r.addNoop(ctx, size)
}

// addNoop puts the bare server in front of the others, as it is measured first.
func (r *run) addNoop(ctx context.Context, answerBytes int) error {
	s, err := startNoop(ctx, r.Config, answerBytes)
	if err != nil {
		return fmt.Errorf("noop: %w", err)
	}
	r.servers = append(r.servers, s)
	requests := produceRequests(s.address, "noop", r.Format, r.bodies)
	bytes := int64(r.Size * r.Batch)
	if answerBytes > 0 {
		requests, bytes = [][]byte{fetchRequest(s.address, "noop", r.Format, 0, 0, r.Batch)}, 0
	}
	noop := &side{name: report.Noop, server: s, measure: func(ctx context.Context, i int, round *report.Round) error {
		return r.drive(ctx, i, round, report.Noop, s, 0, func(int) drive.Source {
			return drive.NewFixed(requests, int64(r.Batch), bytes)
		})
	}}
	r.sides = append([]*side{noop}, r.sides...)
	return nil
}

func (r *run) addFlashQ(ctx context.Context, name string, g report.Growth) error {
	s, err := startFlashQ(ctx, r.Config)
	if err != nil {
		return fmt.Errorf("flashq: %w", err)
	}
	r.servers = append(r.servers, s)
	x := &side{name: name, server: s}
	switch r.Workload {
	case report.Produce:
		x.measure = func(ctx context.Context, i int, round *report.Round) error { return r.produce(ctx, i, round, x) }
	case report.Consume:
		if err := r.fill(ctx, s); err != nil {
			return s.explain(ctx, fmt.Errorf("fill: %w", err))
		}
		x.measure = func(ctx context.Context, i int, round *report.Round) error { return r.consume(ctx, i, round, x) }
	case report.EndToEnd:
		x.measure = func(ctx context.Context, i int, round *report.Round) error { return r.endToEnd(ctx, i, round, x) }
	}
	r.sides = append(r.sides, x)
	if g.Some() {
		if r.growth, err = grow(ctx, s.address, r.Config); err != nil {
			return s.explain(ctx, fmt.Errorf("growth: %w", err))
		}
	}
	return nil
}

// drive measures one server with what its loops ask.
func (r *run) drive(ctx context.Context, i int, round *report.Round, name string, to *server, limit int64,
	ask func(loop int) drive.Source,
) error {
	d, err := drive.New(ctx, drive.Config{Address: to.address, PID: to.pid, Connections: r.Connections,
		Timeout: r.Timeout, Source: ask})
	if err != nil {
		return err
	}
	defer d.Close()
	s, err := r.phases(ctx, d, name, i, limit)
	return r.took(i, round, name, s, err)
}

// produce measures FlashQ on a fresh topic, so that one round's records don't slow the next.
func (r *run) produce(ctx context.Context, i int, round *report.Round, x *side) error {
	return r.onTopic(ctx, i, x, func(topic string) error {
		requests := produceRequests(x.server.address, topic, r.Format, r.bodies)
		return r.drive(ctx, i, round, x.name, x.server, r.perTime, func(int) drive.Source {
			return drive.NewFixed(requests, int64(r.Batch), int64(r.Size*r.Batch))
		})
	})
}

// onTopic does the work on a fresh topic and deletes it, or on the one that was asked for.
func (r *run) onTopic(ctx context.Context, i int, x *side, work func(topic string) error) error {
	a := newAPI(x.server.address, r.Timeout)
	topic := r.Topic
	if topic == "" {
		topic = fmt.Sprintf("%s-%d", r.name, i+1)
		r.left = topic
	}
	if err := r.ensureTopic(ctx, a, topic); err != nil {
		return err
	}
	if err := work(topic); err != nil || r.Topic != "" {
		return err
	}
	r.left = ""
	deleted, err := a.deleteTopic(ctx, topic)
	if err == nil && !deleted {
		r.report.Note("the server does not delete topics: the rounds' records pile up")
	}
	return err
}

// ensureTopic makes a topic; one that exists may have other partitions than those asked for.
func (r *run) ensureTopic(ctx context.Context, a *api, topic string) error {
	if r.Topic != "" {
		if there, err := a.extents(ctx, topic); err != nil || len(there) > 0 {
			return err
		}
	}
	return a.createTopic(ctx, topic, r.Partitions, r.RetentionBytes)
}
