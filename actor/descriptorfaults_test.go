package actor

import (
	"context"
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

// What could not be tried is not a failed sync: a partition whose folder could not be opened for it goes on by itself,
// and nothing is acknowledged before.
func TestSyncWithoutDescriptors(t *testing.T) {
	for _, why := range []error{syscall.EMFILE, syscall.ENFILE} {
		for _, fsync := range []Fsync{FsyncAlways, FsyncInterval} {
			synctest.Test(t, func(t *testing.T) {
				fs := segmenttest.New()
				b := engine(t, fs, Config{SegmentBytes: 1 << 10, Fsync: fsync})
				tp := makeTopic(t, b, "t", 1)
				mustPut(t, tp, 0, strings.Repeat("a", 1000))
				time.Sleep(2 * time.Second) // in the bubble's time: synced
				answers := make(chan error, 1)
				mustSeal(t, tp, 0)
				fs.FailFrom(segmenttest.OpSyncDir, 1, why)
				go func() { answers <- tp.Append([]broker.Part{part(0, "b")}, broker.How{Sync: true}) }()
				time.Sleep(time.Minute)
				select {
				case err := <-answers:
					t.Fatalf("answered before the sync: %v", err)
				default:
				}
				fs.Heal()
				time.Sleep(lastRetry)
				if err := <-answers; err != nil {
					t.Fatalf("append that waited for its sync: %v", err)
				}
				if b.Ready() != nil {
					t.Errorf("ready: %v", b.Ready())
				}
				fs = fs.Crash(nil)
				b = engine(t, fs, Config{})
				found, err := b.Topic(context.Background(), "t")
				if err != nil {
					t.Fatal(err)
				}
				wantValues(t, found.(*topic), 0, strings.Repeat("a", 1000), "b")
			})
		}
	}
}

// mustSeal has a partition roll.
func mustSeal(t *testing.T, tp *topic, partition int) {
	t.Helper()
	a := tp.actors[partition]
	a.ask(a.seal)
	for sealed := false; !sealed; {
		a.ask(func() { sealed = a.sync.sealing == open && a.part.ActiveEmpty() })
		synctest.Wait()
	}
}

// A segment that can't be sealed for want of room has had no sync: nobody who waits for it is answered before there is
// one.
func TestSealWithoutRoomAcknowledgesNothing(t *testing.T) {
	for _, op := range []segmenttest.Op{segmenttest.OpCreate, segmenttest.OpWrite} {
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{Fsync: FsyncAlways, SegmentBytes: 2 << 10, BatchBytes: 1})
			tp := makeTopic(t, b, "t", 1)
			g := newGate(fs, segmenttest.OpSync)
			answers := make(chan error, 3)
			send := func(v string) { go func() { answers <- put(tp, 0, v) }(); synctest.Wait() }
			send("a")
			<-g.entered
			send("b")                          // written, and waits for the next sync
			send(strings.Repeat("c", 2<<10))   // does not fit: a seal is wanted
			fs.FailFrom(op, 1, syscall.ENOSPC) // for its index files
			fs.FailFrom(segmenttest.OpSync, 2, syscall.EIO)
			close(g.open)
			var got []string
			for range 3 {
				got = append(got, fmt.Sprint(<-answers))
			}
			if n := strings.Count(strings.Join(got, "\n"), "<nil>"); n != 1 {
				t.Errorf("%d were acknowledged, and one was synced: %q", n, got)
			}
		})
	}
}

// Partitions leave descriptors to the rest: a topic beyond their share is refused, and goes when another has gone.
func TestPartitionsHaveAShareOfDescriptors(t *testing.T) {
	b := engine(t, segmenttest.New(), Config{MaxLogs: 4}) // one is the log of what exists
	makeTopic(t, b, "a", 2)
	create := func() error {
		_, _, err := b.CreateTopic(context.Background(), "b", broker.TopicChange{Partitions: 2})
		return err
	}
	if err := create(); !errors.Is(err, broker.ErrTooManyOpenFiles) {
		t.Fatalf("one log too many: %v", err)
	}
	commit := func(group string) error {
		_, err := b.Commit(context.Background(), broker.Commit{
			Group: group, Create: true, Offsets: []broker.CommitOffset{{Topic: "a"}},
		})
		return err
	}
	if err := commit("g"); err != nil {
		t.Fatalf("the last log: %v", err)
	}
	if err := commit("h"); !errors.Is(err, broker.ErrTooManyOpenFiles) {
		t.Fatalf("a shard too many: %v", err)
	}
	if err := b.DeleteTopic(context.Background(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := create(); err != nil {
		t.Fatalf("with room again: %v", err)
	}
}

// A seal that could not be carried out leaves its folder to the next sync: a segment whose name is not durable is lost
// to a power cut with all that was synced in it.
func TestSealWithoutRoomLeavesTheFolderToSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{SegmentBytes: 1 << 10, FsyncInterval: time.Hour})
		tp := makeTopic(t, b, "t", 1)
		a, c := strings.Repeat("a", 900), strings.Repeat("c", 700)
		mustPut(t, tp, 0, a)
		mustPut(t, tp, 0, c) // in the second segment, not synced yet
		fs.FailFrom(segmenttest.OpCreate, 1, syscall.ENOSPC)
		if err := put(tp, 0, a); !errors.Is(err, broker.ErrDiskFull) {
			t.Fatalf("append that needs a third segment: %v", err)
		}
		fs.Heal()
		if err := tp.Append([]broker.Part{part(0, "d")}, broker.How{Sync: true}); err != nil {
			t.Fatal(err)
		}
		b = engine(t, fs.Crash(nil), Config{})
		found, err := b.Topic(context.Background(), "t")
		if err != nil {
			t.Fatal(err)
		}
		wantValues(t, found.(*topic), 0, a, c, "d")
	})
}
