package actor

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// Rule 8: after a failed sync nothing is acknowledged in that partition any more, though a second sync would "succeed".
func TestFailedSyncIsSticky(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncAlways})
		tp := makeTopic(t, b, "t", 2)
		mustPut(t, tp, 0, "before")
		fs.Fail(segmenttest.OpSync, 1, errDisk)
		if err := put(tp, 0, "lost"); !errors.Is(err, broker.ErrStorage) {
			t.Fatalf("append whose sync failed: %v", err)
		}
		if err := put(tp, 0, "after"); !errors.Is(err, broker.ErrStorage) {
			t.Fatalf("append after a failed sync: %v", err)
		}
		wantValues(t, tp, 0, "before")
		mustPut(t, tp, 1, "another partition goes on")
		if err := tp.Append([]broker.Part{part(1, "no"), part(0, "no")}, broker.How{}); !errors.Is(err, broker.ErrStorage) {
			t.Fatalf("append to both: %v", err)
		}
		wantValues(t, tp, 1, "another partition goes on") // every status is checked before any is written
		if !errors.Is(b.Ready(), broker.ErrStorage) {
			t.Errorf("ready: %v", b.Ready())
		}
	})
}

// Rule 8: what was on its way into the mailbox when the sync failed is not acknowledged either.
func TestFailedSyncWithFullMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncAlways, BatchBytes: 1})
		tp := makeTopic(t, b, "t", 1)
		syncs := make(chan struct{})
		writes := make(chan struct{})
		fs.SetHook(func(op segmenttest.Op, _ string) {
			switch op {
			case segmenttest.OpSync:
				<-syncs
			case segmenttest.OpWrite:
				<-writes
			}
		})
		fs.Fail(segmenttest.OpSync, 1, errDisk)
		answers := make(chan error, 60)
		for range 60 {
			go func() { answers <- put(tp, 0, "x") }()
		}
		writes <- struct{}{} // the first is written and its sync is out
		synctest.Wait()      // the owner is held in the second write, the rest waits in the mailbox
		close(syncs)
		synctest.Wait()
		close(writes)
		for range 60 {
			if err := <-answers; !errors.Is(err, broker.ErrStorage) {
				t.Errorf("append: %v", err)
			}
		}
	})
}

// Rules 4 and 8: Close waits for the sync that is out. What it covers is answered by it, be it well or ill; what was
// written after it is synced by Close.
func TestCloseWithSyncUnderWay(t *testing.T) {
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{Fsync: FsyncAlways})
			tp := makeTopic(t, b, "t", 1)
			g := newGate(fs, segmenttest.OpSync)
			if fails {
				fs.Fail(segmenttest.OpSync, 1, errDisk)
			}
			answers := make(chan error, 2)
			go func() { answers <- put(tp, 0, "covered") }()
			<-g.entered
			go func() { answers <- put(tp, 0, "behind") }()
			synctest.Wait()
			go func() { _ = b.Close() }()
			synctest.Wait()
			close(g.open)
			for range 2 {
				if err := <-answers; fails != errors.Is(err, broker.ErrStorage) || !fails && err != nil {
					t.Errorf("sync fails: %v, append: %v", fails, err)
				}
			}
		})
	}
}

// Rule 8: a write error is sticky, want of room is not; state changes only after the write succeeded.
func TestWriteErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 1)
		mustPut(t, tp, 0, "a")
		fs.Tear(1, 70, syscall.ENOSPC)
		if err := put(tp, 0, "no room"); !errors.Is(err, broker.ErrDiskFull) {
			t.Fatalf("append on a full disk: %v", err)
		}
		if !errors.Is(b.Ready(), broker.ErrDiskFull) {
			t.Errorf("ready on a full disk: %v", b.Ready())
		}
		time.Sleep(fullFor) // in the bubble's time
		if b.Ready() != nil {
			t.Errorf("a balancer would never send the write that finds room again: %v", b.Ready())
		}
		wantValues(t, tp, 0, "a")
		mustPut(t, tp, 0, "b")
		if b.Ready() != nil {
			t.Errorf("ready with room again: %v", b.Ready())
		}
		wantValues(t, tp, 0, "a", "b")
		fs.Fail(segmenttest.OpWrite, 1, errDisk)
		for range 2 {
			if err := put(tp, 0, "no"); !errors.Is(err, broker.ErrStorage) {
				t.Fatalf("append after a write error: %v", err)
			}
		}
		wantValues(t, tp, 0, "a", "b")
	})
}

// Rule 8: a flood of connections that takes every descriptor does not take a partition that has to roll with it.
func TestRollWithoutDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{SegmentBytes: 1 << 10})
		tp := makeTopic(t, b, "t", 1)
		mustPut(t, tp, 0, strings.Repeat("a", 1000))
		fs.FailFrom(segmenttest.OpCreate, 1, syscall.EMFILE)
		if err := put(tp, 0, strings.Repeat("b", 100)); !errors.Is(err, broker.ErrTooManyOpenFiles) {
			t.Fatalf("append without a descriptor for its segment: %v", err)
		}
		fs.Heal()
		mustPut(t, tp, 0, "c")
		wantValues(t, tp, 0, strings.Repeat("a", 1000), "c")
	})
}

// Rule 8: under always, readers see what is synced and nothing else.
func TestHighWatermarkIsTheSyncedEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncAlways})
		tp := makeTopic(t, b, "t", 1)
		g := newGate(fs, segmenttest.OpSync)
		answers := make(chan error, 50)
		for i := range 50 {
			go func() { answers <- put(tp, 0, fmt.Sprint(i)) }()
		}
		<-g.entered
		synctest.Wait()
		if len(answers) > 0 {
			t.Error("acknowledged before the sync")
		}
		wantValues(t, tp, 0)
		close(g.open)
		for range 50 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if _, high := read(t, tp, 0); high != 50 {
			t.Errorf("high watermark %d", high)
		}
		if n := len(g.entered); n > 2 { // one was out, one covered all who queued meanwhile
			t.Errorf("%d more syncs for 50 appends: no group commit", n)
		}
	})
}

// Rule 9: a panic takes down one partition, by name, and loses no answer.
func TestPanicTakesOnePartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 2)
		mustPut(t, tp, 0, "before")
		w := &broker.Waiter{Ready: make(chan struct{}, 1)}
		if err := tp.Watch(0, &broker.Watch{Waiter: w, From: 1}); err != nil {
			t.Fatal(err)
		}
		fs.SetHook(func(op segmenttest.Op, name string) {
			if op == segmenttest.OpWrite && strings.HasPrefix(name, "t-0/") {
				panic("planted")
			}
		})
		answers := make(chan error, 20)
		for range 20 {
			go func() { answers <- put(tp, 0, "x") }()
		}
		for range 20 {
			if err := <-answers; !errors.Is(err, broker.ErrStorage) {
				t.Errorf("append: %v", err)
			}
		}
		<-w.Ready
		mustPut(t, tp, 1, "goes on")
		wantValues(t, tp, 1, "goes on")
		err := b.Close()
		if err == nil || !strings.Contains(err.Error(), "t-0") || !strings.Contains(err.Error(), "planted") {
			t.Errorf("close says %v", err)
		}
	})
}

// A folder whose topic id can't be read is not taken for one without: a topic id of somebody else would be replaced.
func TestATopicIDThatCanNotBeRead(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{})
	mustPut(t, makeTopic(t, b, "t", 1), 0, "x")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	other := []byte("version: 0\ntopic_id: someoneelse\n")
	fs.SetBytes("t-0/partition.metadata", other)
	reads := fs.Count(segmenttest.OpRead)
	if b = engine(t, fs, Config{}); b.Found().Failed != 1 {
		t.Fatalf("a stranger's folder: %+v", b.Found())
	}
	all := fs.Count(segmenttest.OpRead) - reads
	for nth := 1; nth <= all; nth++ {
		fs.Heal()
		fs.Fail(segmenttest.OpRead, nth, errDisk)
		if again, err := Open(Config{FS: fs}); err == nil {
			_ = again.Close() // its partition is down
		}
		if got := fs.Bytes("t-0/partition.metadata"); string(got) != string(other) {
			t.Fatalf("read %d of %d failed, and the stranger's id was replaced with %q", nth, all, got)
		}
	}
}
