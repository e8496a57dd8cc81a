package actor

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment"
	"flashq/segment/segmenttest"
)

// Rule 1: the owner never waits for a caller who left.
func TestCallerWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{})
		tp := makeTopic(t, b, "t", 1)
		a := tp.actors[0]
		for range 5 {
			p := part(0, "left")
			a.send(&p, true) // and never asks for the answer
			a.asks <- &reading{reply: make(chan *segment.View, 1)}
		}
		mustPut(t, tp, 0, "stayed")
		wantValues(t, tp, 0, "left", "left", "left", "left", "left", "stayed")
	})
}

// Rule 2: nobody hangs on an owner that has left, whichever method it called, before or after.
func TestNobodyHangsAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{BatchBytes: 1}) // so that one is taken and the mailbox stays full
		tp := makeTopic(t, b, "t", 1)
		g := newGate(fs, segmenttest.OpWrite)
		var answered, stored atomic.Int64
		for range mailbox + 100 { // more than the mailbox holds: some wait to send, some wait for an answer
			go func() {
				if err := put(tp, 0, "x"); err == nil {
					stored.Add(1)
				} else if !errors.Is(err, broker.ErrDraining) {
					t.Errorf("append while closing: %v", err)
				}
				answered.Add(1)
			}()
		}
		<-g.entered
		closed := make(chan error, 1)
		go func() { closed <- b.Close() }()
		synctest.Wait()
		close(g.open)
		if err := <-closed; err != nil {
			t.Errorf("close: %v", err)
		}
		synctest.Wait()
		if answered.Load() != mailbox+100 || stored.Load() == 0 {
			t.Errorf("%d answered, %d stored", answered.Load(), stored.Load())
		}
		for range 40 { // beyond what the channel would hold
			if _, err := tp.Snapshot(context.Background(), 0); !errors.Is(err, broker.ErrDraining) {
				t.Errorf("snapshot: %v", err)
			}
		}
		w := &broker.Watch{Waiter: &broker.Waiter{Ready: make(chan struct{}, 1)}}
		for range 40 { // room in the channel is no reason to wait for an owner who is not there
			if err := tp.Watch(0, w); !errors.Is(err, broker.ErrDraining) {
				t.Errorf("watch: %v", err)
			}
			tp.Leave(0, w)
		}
		if _, err := tp.Stats(context.Background(), 0); !errors.Is(err, broker.ErrDraining) {
			t.Errorf("stats: %v", err)
		}
		if err := put(tp, 0, "late"); !errors.Is(err, broker.ErrDraining) {
			t.Errorf("append: %v", err)
		}
	})
}

// Who writes to a topic while it is deleted hears that it is gone, not that the broker ends.
func TestWritersOfADeletedTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{SegmentBytes: 1 << 10}) // full after the first: the next is gathered and waits for a roll
		tp := makeTopic(t, b, "t", 2)
		g := newGate(fs, segmenttest.OpSync)
		long := strings.Repeat("x", 900)
		for range mailbox {
			go func() {
				err := tp.Append([]broker.Part{part(0, long), part(1, long)}, broker.How{})
				if err != nil && !errors.Is(err, broker.ErrTopicNotFound) {
					t.Errorf("append while the topic is deleted: %v", err)
				}
			}()
		}
		<-g.entered
		deleted := make(chan error, 1)
		go func() { deleted <- b.DeleteTopic(context.Background(), "t") }()
		synctest.Wait()
		close(g.open)
		if err := <-deleted; err != nil {
			t.Errorf("delete: %v", err)
		}
		synctest.Wait()
	})
}

// Rule 3: an answer that came just before the loop left is not lost.
func TestAnswerBesideDone(t *testing.T) {
	for range 200 { // select picks at random
		a := startDead(&shared{requests: newRequests()}, "t-0", nil)
		r := &request{reply: make(chan error, 1)}
		r.reply <- nil
		if err := a.wait(r); err != nil {
			t.Fatalf("the append was answered, but its caller got %v", err)
		}
		rd := &reading{reply: make(chan *segment.View, 1)}
		rd.reply <- &segment.View{}
		if v, ok := await(rd.reply, a.done); !ok || v == nil {
			t.Fatalf("the view was given, and its caller got nothing")
		}
	}
}

// Rule 4: a read can be given up, an accepted append's outcome is always known.
func TestOutcomeIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncAlways})
		tp := makeTopic(t, b, "t", 1)
		writes := newGate(fs, segmenttest.OpWrite)
		answer := make(chan error, 1)
		go func() { answer <- put(tp, 0, "kept") }()
		<-writes.entered
		ctx, cancel := context.WithCancel(context.Background())
		given := make(chan error, 1)
		go func() {
			_, err := tp.Snapshot(ctx, 0)
			given <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Errorf("a read that was given up: %v", err)
		}
		go func() { _ = b.Close() }()
		synctest.Wait()
		close(writes.open)
		if err := <-answer; err != nil {
			t.Errorf("the append that was accepted before Close: %v", err)
		}
		synctest.Wait()
		again := engine(t, fs.Crash(nil), Config{})
		found, err := again.Topic(context.Background(), "t")
		if err != nil {
			t.Fatal(err)
		}
		wantValues(t, found.(*topic), 0, "kept")
	})
}

// Rule 5: waits that were given up do not pile up in an idle partition.
func TestGoneAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{})
		tp := makeTopic(t, b, "t", 1)
		stays := &broker.Watch{Waiter: &broker.Waiter{Ready: make(chan struct{}, 1)}}
		if err := tp.Watch(0, stays); err != nil {
			t.Fatal(err)
		}
		for range 5000 {
			w := &broker.Watch{Waiter: &broker.Waiter{Ready: make(chan struct{}, 1)}}
			if err := tp.Watch(0, w); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			w.Waiter.Gone.Store(true)
			tp.Leave(0, w)
		}
		synctest.Wait()
		if n := tp.actors[0].watches.length.Load(); n > 4 {
			t.Errorf("%d watches are linked, one is wanted", n)
		}
		mustPut(t, tp, 0, "x")
		<-stays.Waiter.Ready // the one who stayed was not swept
	})
}

// Rule 6: a poke never blocks the owner and is never lost.
func TestPokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{Fsync: FsyncNever}) // no timer that would poke late
		tp := makeTopic(t, b, "t", 2)
		w := &broker.Waiter{Ready: make(chan struct{}, 1)}
		w.Ready <- struct{}{} // nobody takes it
		zero, one := &broker.Watch{Waiter: w}, &broker.Watch{Waiter: w}
		if err := errors.Join(tp.Watch(0, zero), tp.Watch(1, one)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		mustPut(t, tp, 0, "a")
		mustPut(t, tp, 1, "b")
		synctest.Wait() // the owner answers first and pokes after
		if !zero.Fired.Load() || !one.Fired.Load() {
			t.Error("a watch was not fired")
		}
		poked(t, w)
		// A watch that comes after the record it waits for is poked at once: nothing is lost in between.
		late := &broker.Watch{Waiter: w}
		if err := tp.Watch(0, late); err != nil {
			t.Fatal(err)
		}
		poked(t, w)
		up := &broker.Watch{Waiter: w, From: 1}
		if err := tp.Watch(0, up); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if up.Fired.Load() {
			t.Error("poked without news")
		}
		if err := b.DeleteTopic(context.Background(), "t"); err != nil {
			t.Fatal(err)
		}
		poked(t, w) // deletion is news
	})
}

// Rules 2 and 6: a watch that was on its way when the owner left is poked all the same.
func TestWatchOnItsWayWhenTheTopicIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 1)
		mustPut(t, tp, 0, "x")
		held := newGate(fs, segmenttest.OpSync) // the owner's last act syncs
		deleted := make(chan error, 1)
		go func() { deleted <- b.DeleteTopic(context.Background(), "t") }()
		for name := range held.entered {
			if strings.HasPrefix(name, "t-0/") {
				break
			}
			held.open <- struct{}{}
		}
		w := &broker.Waiter{Ready: make(chan struct{}, 1)}
		if err := tp.Watch(0, &broker.Watch{Waiter: w, From: 1}); err != nil {
			t.Fatal(err)
		}
		close(held.open)
		if err := <-deleted; err != nil {
			t.Fatal(err)
		}
		poked(t, w)
	})
}

// poked waits for a poke, in the bubble's time.
func poked(t *testing.T, w *broker.Waiter) {
	t.Helper()
	select {
	case <-w.Ready:
	case <-time.After(time.Minute):
		t.Fatal("no poke came")
	}
}

// Rule 7: the end runs down the package line, and no goroutine is left: synctest fails on one that is.
func TestCloseReleasesEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{Fsync: FsyncAlways, SegmentBytes: 1 << 10})
		tp := makeTopic(t, b, "t", 8)
		w := &broker.Waiter{Ready: make(chan struct{}, 1)}
		for i := range 8 {
			if err := tp.Watch(i, &broker.Watch{Waiter: w, From: 1 << 40}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 200 {
			go func() { _ = put(tp, i%8, strings.Repeat("x", 100)) }()
		}
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		<-w.Ready
		if err := b.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
	})
}
