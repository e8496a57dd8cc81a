package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/valyala/fasthttp"
)

// Both brokers' batches are read by one client's code: franz-go fetches Kafka's itself, and decodes FlashQ's, which
// come over HTTP as they are stored. It has one fetch under way while the records of the last one are looked at.
const (
	fetchBytes   = 10 << 20
	fetchRecords = 10_000 // what a fetch of FlashQ's may ask for
	decodedTopic = "decoded"
	decodedFill  = 64 << 10 // records, read again and again

	decodedWarm = 200 * time.Millisecond // a client in Go has little to warm up, and Kafka's records are read once
)

// decoded reads batches by HTTP for as long as the settings say.
func (f flashq) decoded(ctx context.Context) (figures, error) {
	_, err := output(ctx, nil, f.flashq, "loadtest", "produce", "--server="+f.url, "--no-noop", "--repeat=1", "--warmup=0",
		"--topic="+decodedTopic, "--size="+strconv.Itoa(large), "--batch=512", "--connections=4",
		"--records="+strconv.Itoa(decodedFill))
	if err != nil {
		return nil, err
	}
	client := &fasthttp.HostClient{Addr: f.client.Addr, MaxConns: 1, MaxResponseBodySize: 2 * fetchBytes}
	defer client.CloseIdleConnections()
	c := newCounter(min(f.warm, decodedWarm), f.span)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fetched, failed := make(chan []*kgo.Record), make(chan error, 1)
	go func() { failed <- f.fetchAll(ctx, client, fetched) }()
	for {
		select {
		case err := <-failed:
			return nil, err
		case records := <-fetched:
			if c.count(records) {
				cancel()
				return c.figures(<-failed)
			}
		}
	}
}

// fetchAll gives the records of one fetch after the other until ctx ends, from the topic's start again at its end.
func (f flashq) fetchAll(ctx context.Context, client *fasthttp.HostClient, to chan<- []*kgo.Record) error {
	url := f.url + "/topics/" + decodedTopic + "/records?partition=0&max_records=" + strconv.Itoa(fetchRecords) +
		"&max_bytes=" + strconv.Itoa(fetchBytes) + "&from_offset="
	q := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(q)
	q.Header.Set("Accept", "application/vnd.kafka.recordbatch.v2")
	decompressor := kgo.DefaultDecompressor()
	answers := [2]fasthttp.Response{} // records are parts of one while the other is filled
	for offset, turn := int64(0), 0; ; turn++ {
		a := &answers[turn%2]
		q.SetRequestURI(url + strconv.FormatInt(offset, 10))
		if err := client.Do(q, a); err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
		if a.StatusCode() != fasthttp.StatusOK {
			return fmt.Errorf("fetch: answered %d %s", a.StatusCode(), a.Body())
		}
		got, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: offset, Topic: decodedTopic},
			&kmsg.FetchResponseTopicPartition{RecordBatches: a.Body(), HighWatermark: decodedFill}, decompressor, nil)
		if got.Err != nil || len(got.Records) == 0 {
			return errors.Join(fmt.Errorf("fetch: no records at offset %d", offset), got.Err)
		}
		select {
		case <-ctx.Done():
			return nil
		case to <- got.Records:
		}
		if offset = next; offset >= decodedFill {
			offset = 0
		}
	}
}

// decoded reads the records that fetch has left, once.
func (k *kafka) decoded(ctx context.Context) (figures, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(k.bootstrap), kgo.ConsumeTopics("fetch"), kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchBytes), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	defer client.Close()
	c := newCounter(min(k.warm, decodedWarm), k.span)
	for left := k.filled(); left > 0; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("fetch: %w", err)
		}
		records := fetches.Records()
		left -= len(records)
		if c.count(records) {
			break
		}
	}
	return c.figures(nil)
}

// counter counts records from the end of a warm-up, which begins with the first of them.
type counter struct {
	warm, span  time.Duration
	first, last time.Time // of what counts
	records     int
	bytes       int
}

func newCounter(warm, span time.Duration) *counter { return &counter{warm: warm, span: span} }

// count looks at each record, as who reads them does; it tells whether the time is over.
func (c *counter) count(records []*kgo.Record) (over bool) {
	for _, r := range records {
		c.bytes += len(r.Key) + len(r.Value)
	}
	now := time.Now()
	if c.first.IsZero() {
		c.first = now.Add(c.warm)
	}
	if c.last = now; now.Before(c.first) {
		return false
	}
	if c.records == 0 { // the fetch in which the warm-up ended
		c.first, c.records = now, 1
		return false
	}
	c.records += len(records)
	return now.Sub(c.first) >= c.span
}

// figures has the rate, where anything came after the warm-up.
func (c *counter) figures(err error) (figures, error) {
	if err == nil && (c.records < 2 || !c.last.After(c.first)) {
		err = errors.New("all records came within the warm-up")
	}
	if err != nil {
		return nil, err
	}
	return figures{rowDecoded: float64(c.records-1) / c.last.Sub(c.first).Seconds()}, nil
}
