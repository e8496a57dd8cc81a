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
	measure func(ctx context.Context, t *turn) error
}

// start starts the servers and settles what is measured on them.
func (r *run) start(ctx context.Context) error {
	c := &r.plan.config
	if c.Workload == report.Noop {
		return r.addNoop(ctx, 0)
	}
	if c.Some() && !c.SkipNoop && c.Target == "" {
		if err := r.addFlashQ(ctx, report.Empty, report.Growth{}); err != nil {
			return err
		}
	}
	if err := r.addFlashQ(ctx, c.Workload, c.Growth); err != nil {
		return err
	}
	if c.SkipNoop || c.Some() || c.Workload == report.EndToEnd {
		return nil
	}
	size := 0
	if c.Workload == report.Consume {
		var err error
		if size, err = r.newStock(r.sides[0].server).answerSize(ctx); err != nil {
			return err
		}
	}
	return r.addNoop(ctx, size)
}

// addNoop puts the bare server in front of the others, as it is measured first.
func (r *run) addNoop(ctx context.Context, answerBytes int) error {
	c := &r.plan.config
	s, err := startNoop(ctx, *c, answerBytes)
	if err != nil {
		return fmt.Errorf("noop: %w", err)
	}
	r.undo = append(r.undo, s.stop)
	requests, bytes := produceRequests(s.address, "noop", c.Format, r.plan.bodies), r.plan.valueBytes()
	if answerBytes > 0 {
		requests, bytes = [][]byte{fetchRequest(s.address, "noop", c.Format, 0, 0, c.Batch)}, 0
	}
	noop := &side{name: report.Noop, server: s, measure: func(ctx context.Context, t *turn) error {
		return t.drive(ctx, 0, func(int) drive.Source { return drive.NewFixed(requests, int64(c.Batch), bytes) })
	}}
	r.sides = append([]*side{noop}, r.sides...)
	return nil
}

func (r *run) addFlashQ(ctx context.Context, name string, g report.Growth) error {
	s, err := startFlashQ(ctx, r.plan.config)
	if err != nil {
		return err
	}
	r.undo = append(r.undo, s.stop)
	if s.stays() {
		r.report.ServerIs = r.plan.api(s).version(ctx)
	}
	x := &side{name: name, server: s}
	switch r.plan.config.Workload {
	case report.Produce:
		x.measure = func(ctx context.Context, t *turn) error { return t.produce(ctx) }
	case report.Consume:
		from := r.newStock(s)
		if err := from.fill(ctx); err != nil {
			return s.explain(ctx, fmt.Errorf("fill: %w", err))
		}
		x.measure = func(ctx context.Context, t *turn) error { return t.consume(ctx, from) }
	case report.EndToEnd:
		x.measure = func(ctx context.Context, t *turn) error { return t.endToEnd(ctx) }
	}
	r.sides = append(r.sides, x)
	if !g.Some() {
		return nil
	}
	grown, err := grow(ctx, r.plan, s)
	r.undo = append(r.undo, func() { grown.stop(s.stays()) })
	if err != nil {
		return s.explain(ctx, fmt.Errorf("growth: %w", err))
	}
	return nil
}
