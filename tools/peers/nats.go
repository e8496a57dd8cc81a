package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	natsConnections = 4
	natsPending     = 16384 // unacknowledged messages of an asynchronous publisher
	natsFill        = 200_000
)

// jetStream is nats-server with streams on files, loaded by nats.go.
type jetStream struct {
	settings
	streams []jetstream.JetStream // one a connection
	refused *atomic.Int64         // asynchronous messages
}

func newNATS(s settings, binary string) peer {
	start := func(ctx context.Context, folder string) (*server, error) {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		url := "nats://" + address(port)
		ready := func(context.Context) error {
			c, err := nats.Connect(url)
			if err == nil {
				c.Close()
			}
			return err
		}
		c, err := launch(ctx, folder, nil, ready, binary, "--addr=127.0.0.1", fmt.Sprintf("--port=%d", port),
			"--jetstream", "--store_dir="+folder)
		if err != nil {
			return nil, err
		}
		j := jetStream{settings: s, refused: new(atomic.Int64)}
		stop, err := j.connect(ctx, url)
		if err != nil {
			stop()
			c.stop()
			return nil, err
		}
		return &server{child: c, close: stop, measurements: []measurement{
			{rowSmall, j.small},
			{rowOne, j.one},
			{rowBatched, j.async(rowBatched, "batched", small)},
			{rowPaced, j.paced},
			{rowLarge, j.async(rowLarge, "large", large)},
			{rowFetch, j.fetch},
		}}, nil
	}
	return peer{name: "NATS JetStream", files: true, start: start}
}

// connect opens the connections and makes the streams, each with a subject of its own name.
func (j *jetStream) connect(ctx context.Context, url string) (stop func(), err error) {
	var open []*nats.Conn
	stop = func() {
		for _, c := range open {
			c.Close()
		}
	}
	for range natsConnections {
		c, err := nats.Connect(url)
		if err != nil {
			return stop, fmt.Errorf("connect: %w", err)
		}
		open = append(open, c)
		js, err := jetstream.New(c, jetstream.WithPublishAsyncMaxPending(natsPending),
			jetstream.WithPublishAsyncErrHandler(func(jetstream.JetStream, *nats.Msg, error) { j.refused.Add(1) }))
		if err != nil {
			return stop, fmt.Errorf("connect: %w", err)
		}
		j.streams = append(j.streams, js)
	}
	for _, name := range []string{"single", "batched", "large", "fetch"} {
		_, err := j.streams[0].CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{name},
			Storage: jetstream.FileStorage, MaxBytes: retentionBytes, Discard: jetstream.DiscardOld})
		if err != nil {
			return stop, fmt.Errorf("stream %s: %w", name, err)
		}
	}
	return stop, nil
}

// publishers are n callers that wait for each acknowledgement, spread over the connections.
func (j *jetStream) publishers(n int) []call {
	calls := make([]call, n)
	value := letters(small, 0)
	for i := range calls {
		js := j.streams[i%len(j.streams)]
		calls[i] = func(ctx context.Context) error {
			_, err := js.Publish(ctx, "single", value)
			return err
		}
	}
	return calls
}

func (j *jetStream) small(ctx context.Context) (figures, error) {
	rate, l, err := closed(ctx, j.warm, j.span, j.publishers(callers))
	return ofRow(rowSmall, rate, l), err
}

func (j *jetStream) one(ctx context.Context) (figures, error) {
	rate, l, err := closed(ctx, j.warm, j.span, j.publishers(1))
	return ofRow(rowOne, rate, l), err
}

func (j *jetStream) paced(ctx context.Context) (figures, error) {
	l, err := paced(ctx, j.warm, j.span, j.publishers(callers))
	return ofRow(rowPaced, pace, l), err
}

// async publishes without waiting; the rate is of what was acknowledged until the last one is.
func (j *jetStream) async(row, subject string, size int) func(context.Context) (figures, error) {
	return func(ctx context.Context) (figures, error) {
		if _, err := j.publish(ctx, subject, size, j.warm, 1<<30); err != nil {
			return nil, err
		}
		rate, err := j.publish(ctx, subject, size, j.span, 1<<30)
		return figures{row: rate}, err
	}
}

// publish sends for so long, or so many a publisher.
func (j *jetStream) publish(ctx context.Context, subject string, size int, span time.Duration,
	most int) (float64, error) {
	var sent atomic.Int64
	began := time.Now()
	value := letters(size, 0)
	j.refused.Store(0)
	tallies := spread(2, func(i int, t *tally) { // more publishers are slower on two processors
		js := j.streams[i]
		for n := 0; n < most && (n%100 > 0 || time.Since(began) < span); n++ {
			if _, t.err = js.PublishAsync(subject, value, jetstream.WithStallWait(patience)); t.err != nil {
				return
			}
			sent.Add(1)
		}
		select {
		case <-js.PublishAsyncComplete():
		case <-ctx.Done():
			t.err = ctx.Err()
		}
	})
	took := time.Since(began)
	_, _, err := sum(tallies)
	if n := j.refused.Load(); err == nil && n > 0 {
		err = fmt.Errorf("%d messages were not acknowledged", n)
	}
	return float64(sent.Load()) / took.Seconds(), err
}

// fetch reads the stream from end to end on each connection, and then again.
func (j *jetStream) fetch(ctx context.Context) (figures, error) {
	if _, err := j.publish(ctx, "fetch", large, patience, natsFill/2); err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	calls := make([]call, len(j.streams))
	for i, js := range j.streams {
		calls[i] = (&reader{js: js}).fetch
	}
	rate, _, err := closed(ctx, j.warm, j.span, calls)
	return figures{rowFetch: rate * batch}, err
}

// reader pulls a stream through a consumer that acknowledges nothing.
type reader struct {
	js   jetstream.JetStream
	from jetstream.Consumer
	left int // messages until the end
}

func (r *reader) fetch(ctx context.Context) error {
	if r.left < batch {
		c, err := r.js.CreateConsumer(ctx, "fetch", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy,
			DeliverPolicy: jetstream.DeliverAllPolicy, MemoryStorage: true, InactiveThreshold: time.Minute})
		if err != nil {
			return fmt.Errorf("consumer: %w", err)
		}
		r.from, r.left = c, int(c.CachedInfo().NumPending)
	}
	got, err := r.from.Fetch(batch, jetstream.FetchMaxWait(5*time.Second))
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	n := 0
	for m := range got.Messages() {
		if len(m.Data()) != large {
			return errors.New("fetch: a message of another size")
		}
		n++
	}
	if n != batch {
		return fmt.Errorf("fetch: %d messages came: %w", n, got.Error())
	}
	r.left -= n
	return nil
}
