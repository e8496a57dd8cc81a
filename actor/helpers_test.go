package actor

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

var errDisk = errors.New("the disk says no")

// engine opens a broker on a faulty disk; it is closed at the end of the test.
func engine(t *testing.T, fs *segmenttest.FS, c Config) *Broker {
	t.Helper()
	c.FS = fs
	b, err := Open(c)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = b.Close() }) // a test that broke the disk has an error here
	return b
}

func makeTopic(t *testing.T, b *Broker, name string, partitions int) *topic {
	t.Helper()
	made, _, err := b.CreateTopic(context.Background(), name, broker.TopicChange{Partitions: partitions})
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	return made.(*topic)
}

// part is one batch of records with these values.
func part(partition int, values ...string) broker.Part {
	var b batch.Builder
	for _, v := range values {
		b.Add(nowMillis(), nil, []byte(v))
	}
	return broker.Part{Partition: partition, Batch: b.Finish(), BrokerTime: true}
}

func put(tp *topic, partition int, values ...string) error {
	return tp.Append([]broker.Part{part(partition, values...)}, broker.How{})
}

func mustPut(t *testing.T, tp *topic, partition int, values ...string) {
	t.Helper()
	if err := put(tp, partition, values...); err != nil {
		t.Fatalf("append to %s-%d: %v", tp.name, partition, err)
	}
}

// read gives the values of a partition from its start, and the high watermark.
func read(t *testing.T, tp *topic, partition int) (values []string, high int64) {
	t.Helper()
	s, err := tp.Snapshot(context.Background(), partition)
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	defer s.Close()
	for next := s.LogStart(); next < s.HighWatermark(); {
		data, err := s.Read(nil, next, 1<<16)
		if err != nil {
			t.Fatalf("read at %d: %v", next, err)
		}
		for len(data) > 0 {
			var b batch.Batch
			if b, data, err = batch.Next(data); err != nil {
				t.Fatal(err)
			}
			it := b.Records()
			for it.Next() {
				values = append(values, string(it.Record.Value))
			}
			next = b.LastOffset() + 1
		}
	}
	return values, s.HighWatermark()
}

func wantValues(t *testing.T, tp *topic, partition int, want ...string) {
	t.Helper()
	got, high := read(t, tp, partition)
	if fmt.Sprint(got) != fmt.Sprint(want) || high != int64(len(want)) {
		t.Fatalf("%s-%d holds %v up to %d, want %v", tp.name, partition, got, high, want)
	}
}

// gate is a hook that holds back operations of one kind until it is opened.
type gate struct {
	op      segmenttest.Op
	entered chan string
	open    chan struct{}
}

func newGate(fs *segmenttest.FS, op segmenttest.Op) *gate {
	g := &gate{op: op, entered: make(chan string, 1000), open: make(chan struct{})}
	fs.SetHook(func(op segmenttest.Op, name string) {
		if op == g.op {
			g.entered <- name
			<-g.open
		}
	})
	return g
}
