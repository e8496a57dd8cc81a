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
	switch {
	case c.SkipNoop || c.Some() || c.Workload == report.EndToEnd || c.Workload == report.Subscribe:
		return nil
	case c.Beside != report.Noop:
		r.addPlain()
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
	p := r.plan
	s, err := startNoop(ctx, p.config, answerBytes)
	if err != nil {
		return fmt.Errorf("noop: %w", err)
	}
	r.undo = append(r.undo, s.stop)
	source := p.cargo.source(s.host(), "noop")
	switch {
	case answerBytes > 0:
		fetch := drive.Get(s.host(), fetchPath(p.cargo.Load, "noop", 0, 0), mediaTypes[p.cargo.Format])
		source = func(int) drive.Source { return drive.NewFixed([][]byte{fetch}, int64(p.cargo.Batch), 0) }
	case p.cargo.Idempotent:
		source = newKeys(p.cargo, s.host(), "noop", 0).source
	}
	noop := &side{name: report.Noop, server: s, measure: func(ctx context.Context, t *turn) error {
		return t.drive(ctx, 0, p.driver(s, source))
	}}
	r.sides = append([]*side{noop}, r.sides...)
	return nil
}

// addPlain puts the same server in front with another format, and without what costs.
func (r *run) addPlain() {
	own, g := r.sides[0], r.plan.beside
	plain := &side{name: g.Format, server: own.server, measure: r.measures(own.server, g)}
	r.sides = append([]*side{plain}, r.sides...)
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
	if r.plan.config.Workload == report.Consume {
		if err := r.newStock(s).fill(ctx); err != nil {
			return s.explain(ctx, fmt.Errorf("fill: %w", err))
		}
	}
	r.sides = append(r.sides, &side{name: name, server: s, measure: r.measures(s, r.plan.cargo)})
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

// measures is what a turn of a FlashQ does.
func (r *run) measures(s *server, g cargo) func(ctx context.Context, t *turn) error {
	switch r.plan.config.Workload {
	case report.Produce:
		return func(ctx context.Context, t *turn) error { return t.produce(ctx, g) }
	case report.Consume:
		from := r.newStock(s)
		return func(ctx context.Context, t *turn) error { return t.consume(ctx, from, g.Load) }
	case report.Subscribe:
		return func(ctx context.Context, t *turn) error { return t.subscribe(ctx) }
	}
	return func(ctx context.Context, t *turn) error { return t.endToEnd(ctx) }
}
