package loadtest

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// subscribe opens streams and produces to their topic, or leaves them idle where nothing is to be sent.
func (t *turn) subscribe(ctx context.Context) error {
	p, s := t.run.plan, t.side.server
	return t.onTopic(ctx, func(topic string) error {
		watch := newSubscribers(uint32(drive.Clock()), int64(p.config.Size), p.config.Streams, p.config.Connections)
		found := &report.Streams{Streams: p.config.Streams}
		found.Before, _ = drive.ProcessMemory(s.pid)
		began := time.Now()
		streams, err := drive.OpenStreams(ctx, drive.StreamsConfig{Address: s.address, TLS: s.tls, PID: s.pid,
			Streams: p.config.Streams, Timeout: p.config.Timeout, Portable: p.config.portable, Watcher: watch,
			Request: func(int) []byte { return streamRequest(s.host(), topic, p.cargo.Answers) }})
		if err != nil {
			return err
		}
		defer streams.Close()
		found.Opened = time.Since(began).Seconds()
		found.Open, _ = drive.ProcessMemory(s.pid)
		t.round.Streams = found
		streams.Watch = t.watch(report.Subscribe)
		if p.config.Rate == 0 {
			err = t.idle(ctx, streams, watch)
		} else {
			err = t.fanOut(ctx, topic, streams, watch)
		}
		found.After, _ = drive.ProcessMemory(s.pid)
		t.run.noteControls(watch)
		return err
	})
}

// streamRequest asks for what comes from now on.
func streamRequest(host drive.Host, topic, format string) []byte {
	path := "/topics/" + topic + "/records?from_offset=latest"
	if format == "ndjson" {
		return drive.Get(host, path+"&follow=true", mediaTypes["ndjson"])
	}
	return drive.Get(host, path, "text/event-stream")
}

// idle keeps streams open to which nothing is sent.
func (t *turn) idle(ctx context.Context, streams *drive.Driver, watch *subscribers) error {
	watch.isOver = func(int64, int64, int64) bool { return false }
	got, err := streams.Run(ctx, drive.NewPhase(t.run.plan.config.Duration, 0, 0))
	t.round.Take(report.Subscribe, got)
	t.run.plan.config.Progress(fmt.Sprintf("round %d/%d  %d idle streams", t.number+1, t.run.plan.config.Rounds,
		t.round.Streams.Streams))
	return err
}

// fanOut has one record of a producer go to all streams.
func (t *turn) fanOut(ctx context.Context, topic string, streams *drive.Driver, watch *subscribers) error {
	p := t.run.plan
	sent := newConfirmed(p.config.Connections)
	send, err := p.newProducers(ctx, t.side.server, topic, watch.run, sent)
	if err != nil {
		return err
	}
	defer send.Close()
	watch.isOver = func(now, newest, received int64) bool {
		records, at := sent.ended()
		return at > 0 && (received >= records*int64(p.config.Streams) || now-max(newest, at) > int64(p.config.quiet))
	}
	limit := p.limit
	if n := p.config.requests(); n > 0 {
		limit = min(limit, n)
	}
	reading := drive.NewPhase(0, 0, 0)
	var received drive.Sample
	var receiveErr error
	var all sync.WaitGroup
	all.Go(func() { received, receiveErr = streams.Run(ctx, reading) })
	produced, sendErr := send.Run(ctx, drive.NewPhase(p.config.Duration, limit, p.config.perSecond()))
	sent.end()
	all.Wait()
	received.EndAt(watch.newest - reading.Start)
	verdict, short := watch.verdict(sent.by)
	t.round.Verdict, t.round.Streams.Short = &verdict, short
	err = t.took(report.Produce, produced, sendErr)
	return cmp.Or(err, t.took(report.Subscribe, received, receiveErr))
}

// confirmed are the records whose requests were answered with 2xx, by producer. Any goroutine may use it.
type confirmed struct {
	mu   sync.Mutex
	by   []numbers
	done int64 // when the last request was answered; zero before
}

func newConfirmed(producers int) *confirmed {
	return &confirmed{by: make([]numbers, producers)}
}

func (a *confirmed) acknowledge(producer int, number int64, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by[producer].add(number, number+int64(n))
}

func (a *confirmed) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = drive.Clock()
}

// ended is how many records were acknowledged, and since when that changes no more; zero while it does.
func (a *confirmed) ended() (records, at int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done == 0 {
		return 0, 0
	}
	for _, n := range a.by {
		records += n.all()
	}
	return records, a.done
}

// noteControls tells of events that are no records: each is something that a stream had to say.
func (r *run) noteControls(watch *subscribers) {
	if watch.controls > 0 {
		r.report.Note(fmt.Sprintf("%d events were no records, the first one: %s", watch.controls, watch.control))
	}
}
