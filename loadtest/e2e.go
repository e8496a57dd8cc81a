package loadtest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"sync/atomic"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// endToEnd measures producers and consumers at once, and verifies that each record comes once and in order.
func (t *turn) endToEnd(ctx context.Context) error {
	p := t.run.plan
	return t.onTopic(ctx, func(topic string) error {
		v := newVerifier(int64(p.config.Size))
		send, err := p.newProducers(ctx, t.side.server, topic, v.id, v)
		if err != nil {
			return err
		}
		defer send.Close()
		produced := &atomic.Bool{}
		receive, err := p.newConsumers(ctx, t.side.server, topic, v, produced)
		if err != nil {
			return err
		}
		defer receive.Close()
		send.Watch = t.watch(report.Produce)

		limit := p.limit
		if n := p.config.requests(); n > 0 {
			limit = min(limit, n)
		}
		var received drive.Sample
		var receiveErr error
		done, reading := make(chan struct{}), drive.NewPhase(0, 0, 0)
		go func() {
			defer close(done)
			received, receiveErr = receive.Run(ctx, reading)
		}()
		sent, sendErr := send.Run(ctx, drive.NewPhase(p.config.Duration, limit, p.config.perSecond()))
		produced.Store(true)
		<-done
		received.EndAt(v.lastAt() - reading.Start)
		verdict := v.verdict()
		t.round.Verdict = &verdict
		err = t.took(report.Produce, sent, sendErr)
		return cmp.Or(err, t.took(report.EndToEnd, received, receiveErr))
	})
}

func (p *plan) newProducers(ctx context.Context, s *server, topic string, run uint32, sent acknowledger,
) (*drive.Driver, error) {
	build := func(connection int, random *rand.Rand) (stamped, error) {
		return stampedRequest(s.host(), topic, connection, p.cargo, random)
	}
	if _, err := build(0, rand.New(rand.NewPCG(p.config.Seed, 2))); err != nil {
		return nil, err
	}
	c := p.driver(s, func(loop int) drive.Source {
		random := rand.New(rand.NewPCG(p.config.Seed, uint64(loop)))
		prepare := func(connection int) stamped {
			one, _ := build(connection, random) // it has been tried
			return one
		}
		return &producers{run: run, size: int64(p.config.Size), sent: sent, make: prepare, by: map[int]*producer{}}
	})
	c.Prompt = true
	return drive.New(ctx, c)
}

// newConsumers shares the partitions out; they start at the topic's end.
func (p *plan) newConsumers(ctx context.Context, s *server, topic string, v *verifier, produced *atomic.Bool,
) (*drive.Driver, error) {
	there, err := p.api(s).extents(ctx, topic)
	if err != nil {
		return nil, err
	}
	n := max(min(p.config.Consumers, len(there)), 1)
	list := make([]*consumer, n)
	for i := range list {
		list[i] = &consumer{offsets: map[int]int64{}}
	}
	for i, e := range there {
		c := list[i%n]
		c.partitions = append(c.partitions, e.Partition)
		c.offsets[e.Partition] = e.End
	}
	for _, c := range list {
		if len(c.partitions) == 0 { // the server tells nothing of its topics: it is new, and has one
			c.partitions = []int{0}
		}
	}
	c := p.driver(s, func(int) drive.Source {
		return &consumers{verifier: v, host: s.host(), topic: topic, format: p.config.Answers, list: list,
			produced: produced}
	})
	c.Connections, c.Loops, c.Timeout, c.KeepsBodies, c.Prompt = n, 1, p.config.Timeout+pollTime, true, true
	return drive.New(ctx, c)
}
