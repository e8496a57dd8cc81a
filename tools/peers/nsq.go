package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"sync/atomic"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/valyala/fasthttp"
)

const (
	nsqFill     = 300_000 // messages that the consumer gets, once
	nsqInFlight = 2500    // nsqd allows no more
)

// nsqd is NSQ's daemon, published to over HTTP. It has no retention and pushes to its consumers, over TCP alone.
type nsqd struct {
	settings
	http   string
	tcp    string
	client *fasthttp.HostClient
}

func newNSQ(s settings, binary string) peer {
	start := func(ctx context.Context, folder string) (*server, error) {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		n := nsqd{settings: s, http: "http://" + address(port), tcp: address(port + 1),
			client: newHTTP(port)}
		// Its default keeps 10,000 messages in memory alone, and syncs each 2,500.
		c, err := launch(ctx, folder, nil, getOK(n.http+"/ping"), binary, "--http-address="+address(port),
			"--tcp-address="+n.tcp, "--data-path="+folder, "--mem-queue-size=0", "--sync-every=1000000000",
			"--sync-timeout=1s", "--log-level=error")
		if err != nil {
			return nil, err
		}
		return &server{child: c, close: n.client.CloseIdleConnections, measurements: []measurement{
			{rowSmall, n.small},
			{rowOne, n.one},
			{rowBatched, n.batches(rowBatched, small)},
			{rowPaced, n.paced},
			{rowLarge, n.batches(rowLarge, large)},
			{rowFetch, n.consume},
		}}, nil
	}
	return peer{name: "NSQ", files: true, start: start}
}

func (n nsqd) poster(path string, body []byte) call { return poster(n.client, n.http+path, body) }

func (n nsqd) drop(ctx context.Context, topic string) error {
	return n.poster("/topic/delete?topic="+topic, nil)(ctx)
}

func (n nsqd) small(ctx context.Context) (figures, error) {
	rate, l, err := closed(ctx, n.warm, n.span, repeat(callers, n.poster("/pub?topic=single", letters(small, 0))))
	return ofRow(rowSmall, rate, l), errors.Join(err, n.drop(ctx, "single"))
}

func (n nsqd) one(ctx context.Context) (figures, error) {
	rate, l, err := closed(ctx, n.warm, n.span, repeat(1, n.poster("/pub?topic=one", letters(small, 0))))
	return ofRow(rowOne, rate, l), errors.Join(err, n.drop(ctx, "one"))
}

func (n nsqd) paced(ctx context.Context) (figures, error) {
	l, err := paced(ctx, n.warm, n.span, repeat(callers, n.poster("/pub?topic=paced", letters(small, 0))))
	return ofRow(rowPaced, pace, l), errors.Join(err, n.drop(ctx, "paced"))
}

// lines are the messages of one large request.
func lines(size int) []byte {
	return bytes.Repeat(append(letters(size, 0), '\n'), batch)
}

func (n nsqd) batches(row string, size int) func(context.Context) (figures, error) {
	return func(ctx context.Context) (figures, error) {
		rate, _, err := closed(ctx, n.warm, n.span, repeat(4, n.poster("/mpub?topic=batches", lines(size))))
		return figures{row: rate * batch}, errors.Join(err, n.drop(ctx, "batches"))
	}
}

// consume fills a topic that has a channel, and then lets one consumer empty it.
func (n nsqd) consume(ctx context.Context) (figures, error) {
	for _, path := range []string{"/topic/create?topic=fetch", "/channel/create?topic=fetch&channel=c"} {
		if err := n.poster(path, nil)(ctx); err != nil {
			return nil, err
		}
	}
	fill := n.poster("/mpub?topic=fetch", lines(large))
	for range nsqFill / batch {
		if err := fill(ctx); err != nil {
			return nil, fmt.Errorf("fill: %w", err)
		}
	}
	if err := n.settled(ctx); err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	rate, err := n.drain(ctx)
	return figures{rowFetch: rate}, err
}

// settled waits until the channel has what the topic had.
func (n nsqd) settled(ctx context.Context) error {
	moved := func(ctx context.Context) error {
		text, err := get(ctx, n.http+"/stats?topic=fetch&channel=c")
		if err == nil && !bytes.Contains(text, fmt.Appendf(nil, "depth: %-5d", nsqFill)) {
			err = errors.New("the channel does not have all messages")
		}
		return err
	}
	for {
		err := moved(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// drain counts what a consumer gets after its warm-up.
func (n nsqd) drain(ctx context.Context) (float64, error) {
	config := nsq.NewConfig()
	config.MaxInFlight = nsqInFlight
	config.OutputBufferSize = 64 << 10
	consumer, err := nsq.NewConsumer("fetch", "c", config)
	if err != nil {
		return 0, fmt.Errorf("consumer: %w", err)
	}
	consumer.SetLogger(log.New(io.Discard, "", 0), nsq.LogLevelError)
	var got atomic.Int64
	all := make(chan struct{})
	consumer.AddConcurrentHandlers(nsq.HandlerFunc(func(*nsq.Message) error {
		if got.Add(1) == nsqFill {
			close(all)
		}
		return nil
	}), 2)
	if err := consumer.ConnectToNSQD(n.tcp); err != nil {
		return 0, fmt.Errorf("consumer: %w", err)
	}
	defer func() {
		consumer.Stop()
		<-consumer.StopChan
	}()
	pause(ctx, n.warm)
	before, began := got.Load(), time.Now()
	select {
	case <-all:
	case <-time.After(n.span):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return float64(got.Load()-before) / time.Since(began).Seconds(), nil
}
