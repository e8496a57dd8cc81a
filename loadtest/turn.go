package loadtest

import (
	"context"
	"fmt"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// turn is one round of one side.
type turn struct {
	run    *run
	side   *side
	number int // of the round, from zero
	round  *report.Round
}

// drive measures what these connections ask, sending at most limit requests; zero is no limit.
func (t *turn) drive(ctx context.Context, limit int64, c drive.Config) error {
	d, err := drive.New(ctx, c)
	if err != nil {
		return err
	}
	defer d.Close()
	s, err := t.phases(ctx, d, limit)
	return t.took(t.side.name, s, err)
}

// phases warms up and measures with one driver. It sends at most limit requests in all; zero is no limit.
func (t *turn) phases(ctx context.Context, d *drive.Driver, limit int64) (drive.Sample, error) {
	c := &t.run.plan.config
	if c.Warmup > 0 {
		if _, err := d.Run(ctx, drive.NewPhase(c.Warmup, limit/warmupShare, c.perSecond())); err != nil {
			return drive.Sample{}, fmt.Errorf("warm-up: %w", err)
		}
		limit -= limit / warmupShare
	}
	if n := c.requests(); n > 0 && (limit == 0 || n < limit) {
		limit = n
	}
	d.Watch = t.watch(t.side.name)
	return d.Run(ctx, drive.NewPhase(c.Duration, limit, c.perSecond()))
}

// watch shows a measurement while it goes on; nil where nobody looks.
func (t *turn) watch(name string) func(drive.Progress) {
	c := &t.run.plan.config
	if c.Live == nil {
		return nil
	}
	return func(p drive.Progress) { c.Live(live(name, t.number+1, c.Rounds, p)) }
}

// took keeps one measurement of a round, also what an error has left of it.
func (t *turn) took(name string, s drive.Sample, err error) error {
	if s.Tally == nil || s.OK == 0 {
		if err == nil {
			err = noSuccess(s.First)
		}
		return err
	}
	t.round.Take(name, s)
	t.run.noticeEarly(name, s)
	c := &t.run.plan.config
	c.Progress(fmt.Sprintf("round %d/%d  %-7s  %s", t.number+1, c.Rounds, name, report.Line(s)))
	return err
}

// produce measures FlashQ on a fresh topic, so that one round's records don't slow the next.
func (t *turn) produce(ctx context.Context, g cargo) error {
	p, s := t.run.plan, t.side.server
	return t.onTopic(ctx, func(topic string) error {
		if !g.Idempotent {
			return t.drive(ctx, p.limit, p.driver(s, g.source(s.host(), topic)))
		}
		k := newKeys(g, s.host(), topic, p.config.Replay)
		err := t.drive(ctx, p.limit, p.driver(s, k.source))
		t.round.Replays = k.found()
		return err
	})
}

// onTopic does the work on a fresh topic and deletes it, or on the one that was asked for.
func (t *turn) onTopic(ctx context.Context, work func(topic string) error) error {
	p, s := t.run.plan, t.side.server
	topic := p.config.Topic
	if topic == "" {
		topic = fmt.Sprintf("%s-%d-%s", p.name, t.number+1, t.side.name)
	}
	if err := p.ensureTopic(ctx, s, topic); err != nil {
		return err
	}
	err := work(topic)
	switch {
	case p.config.Topic != "":
		return err
	case err != nil:
		if s.stays() { // a server of ours takes its topics along
			_, _ = p.api(s).deleteTopic(context.WithoutCancel(ctx), topic)
		}
		return err
	}
	deleted, err := p.api(s).deleteTopic(ctx, topic)
	if err == nil && !deleted {
		t.run.report.Note("the server does not delete topics: the rounds' records pile up")
	}
	return err
}

// ensureTopic makes a topic; one that exists may have other partitions than those asked for.
func (p *plan) ensureTopic(ctx context.Context, s *server, topic string) error {
	a := p.api(s)
	if p.config.Topic != "" {
		if there, err := a.extents(ctx, topic); err != nil || len(there) > 0 {
			return err
		}
	}
	return a.createTopic(ctx, topic, p.config.Partitions, p.config.RetentionBytes)
}
