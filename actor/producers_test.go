package actor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

func withHeader(value string) batch.Batch {
	var b batch.Builder
	b.Add(5, []byte("key"), []byte("a"), batch.Header{Key: []byte("h"), Value: []byte(value)})
	return b.Finish()
}

// A duplicate is as good an answer as the first one: not given before what it repeats is durable.
func TestDuplicateWaitsForTheSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncAlways})
		tp := makeTopic(t, b, "t", 1)
		g := newGate(fs, segmenttest.OpSync)
		answers := make(chan error, 2)
		for range 2 {
			go func() { answers <- tp.Append([]broker.Part{brokertest.Numbered(0, 7, 0, 0, "a")}, broker.How{}) }()
			synctest.Wait() // until the first one waits for its sync
		}
		select {
		case err := <-answers:
			t.Fatalf("answered before the sync: %v", err)
		default:
		}
		close(g.open)
		for range 2 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		parts := []broker.Part{brokertest.Numbered(0, 7, 0, 0, "a")}
		if err := tp.Append(parts, broker.How{}); err != nil || !parts[0].Duplicate {
			t.Errorf("once more, with nothing to sync: %v, duplicate %v", err, parts[0].Duplicate)
		}
		wantValues(t, tp, 0, "a")
	})
}

// Without any sync of the broker's own, a duplicate that asks for one gets it, also after a roll.
func TestDuplicateWithSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{Fsync: FsyncNever, SegmentBytes: 1 << 10})
		tp := makeTopic(t, b, "t", 1)
		again := func(sync bool) error {
			return tp.Append([]broker.Part{brokertest.Numbered(0, 7, 0, 0, "a")}, broker.How{Sync: sync})
		}
		err := errors.Join(again(false), again(true))
		mustPut(t, tp, 0, strings.Repeat("x", 900))
		mustPut(t, tp, 0, strings.Repeat("x", 900))
		if err := errors.Join(err, again(true)); err != nil {
			t.Error(err)
		}
	})
}

// The bound on producers is one for all topics; who is not used for a day, or whose topic is gone, makes room.
func TestProducersOfAllTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{MaxProducers: 2})
		tp, gone := makeTopic(t, b, "t", 2), makeTopic(t, b, "gone", 1)
		send := func(tp *topic, partition int, id int64, sequence int32) error {
			return tp.Append([]broker.Part{brokertest.Numbered(partition, id, 0, sequence, "a")}, broker.How{})
		}
		if err := errors.Join(send(tp, 0, 1, 0), send(gone, 0, 1, 0)); err != nil {
			t.Fatal(err)
		}
		var limit *broker.LimitError
		err := send(tp, 1, 1, 0)
		if !errors.Is(err, broker.ErrTooManyProducers) || !errors.As(err, &limit) || limit.Limit != 2 {
			t.Fatalf("a third: %v", err)
		}
		if err := b.DeleteTopic(context.Background(), "gone"); err != nil {
			t.Fatal(err)
		}
		if err := send(tp, 1, 1, 0); err != nil {
			t.Fatalf("after a topic is gone: %v", err)
		}
		time.Sleep(20 * time.Hour)
		if err := send(tp, 1, 1, 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Hour)
		if err := errors.Join(send(tp, 0, 2, 0), send(tp, 1, 1, 2)); err != nil {
			t.Errorf("a day after the other was used: %v", err)
		}
		if err := send(tp, 0, 1, 7); !errors.Is(err, broker.ErrTooManyProducers) {
			t.Errorf("who was forgotten is a new one: %v", err)
		}
	})
}

// What is known of producers is a cache: a disk that does not take it costs no partition, and the next roll writes it.
func TestProducersThatCantBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{SegmentBytes: 1 << 10})
		tp := makeTopic(t, b, "t", 1)
		fs.SetHook(failing(fs, ".snapshot"))
		roll := func() {
			mustPut(t, tp, 0, strings.Repeat("x", 900))
			mustPut(t, tp, 0, strings.Repeat("x", 900))
			synctest.Wait() // it is saved beside the owner
		}
		roll()
		if b.Retries().Producers.Load() == 0 || b.Ready() != nil {
			t.Errorf("failed %d times, ready: %v", b.Retries().Producers.Load(), b.Ready())
		}
		fs.SetHook(nil)
		roll()
		if len(fs.Names(".snapshot")) == 0 {
			t.Error("nothing was saved afterwards")
		}
	})
}

// failing is a hook that makes what is done with files of a suffix fail.
func failing(fs *segmenttest.FS, suffix string) func(op segmenttest.Op, name string) {
	return func(op segmenttest.Op, name string) {
		if op == segmenttest.OpCreate && strings.HasSuffix(name, suffix) {
			fs.Fail(op, 1, errDisk)
		}
	}
}
