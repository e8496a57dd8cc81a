package loadtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"flashq/loadtest/drive"
)

// growth is what a server has to do beside the load: topics that exist, polls that wait.
type growth struct {
	api    *api
	topics []string
	cancel context.CancelFunc
	polls  *drive.Driver
	done   sync.WaitGroup
}

// parkTime is how long a parked poll waits until it asks again.
const parkTime = 50 * time.Second

func grow(ctx context.Context, p *plan, s *server) (*growth, error) {
	c := &p.config
	g := &growth{api: p.api(s), cancel: func() {}}
	for i := range max(c.IdleTopics, min(c.Parked, 1)) {
		topic := fmt.Sprintf("loadtest-idle-%d", i)
		if err := g.api.createTopic(ctx, topic, 1, 0); err != nil {
			return g, err
		}
		g.topics = append(g.topics, topic)
	}
	if c.Parked == 0 {
		return g, nil
	}
	path := fmt.Sprintf("/topics/%s/records?from_offset=latest&timeout_ms=%d", g.topics[0], parkTime.Milliseconds())
	requests := [][]byte{drive.Get(s.host(), path, mediaTypes["json"])}
	polls := p.driver(s, func(int) drive.Source { return drive.NewFixed(requests, 1, 1) })
	polls.Connections, polls.Loops, polls.Timeout = c.Parked, 1, parkTime+c.Timeout
	d, err := drive.New(ctx, polls)
	if err != nil {
		return g, err
	}
	polling, cancel := context.WithCancel(ctx)
	g.cancel, g.polls = cancel, d
	asked := make(chan error, 1)
	d.Watch = func(p drive.Progress) {
		switch {
		case p.Total.Failures() > 0:
			offer(asked, fmt.Errorf("a parked poll failed: %s", p.Total.First))
		case p.Total.Sent >= int64(c.Parked):
			offer(asked, nil)
		}
	}
	g.done.Go(func() {
		_, err := d.Run(polling, drive.NewPhase(0, 0, 0))
		offer(asked, err)
	})
	select {
	case err = <-asked:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return g, err
	}
	// All are written; whoever is answered now has come after them.
	_, err = g.api.call(ctx, "GET", "/health", "")
	return g, err
}

// offer tells the first one who waits; nobody waits for the others.
func offer(to chan<- error, err error) {
	select {
	case to <- err:
	default:
	}
}

// stop ends the polls, and deletes the topics where the server is one that stays.
func (g *growth) stop(stays bool) {
	g.cancel()
	g.done.Wait()
	if g.polls != nil {
		g.polls.Close()
	}
	for _, topic := range g.topics {
		if _, err := g.api.deleteTopic(context.Background(), topic); err != nil || !stays {
			return
		}
	}
}
