package actor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment/segmenttest"
)

// late has a group that starts at the latest, and topic t with a record in its first partition.
func late(t *testing.T, b *Broker) *topic {
	t.Helper()
	tp := makeTopic(t, b, "t", 2)
	mustPut(t, tp, 0, "a")
	if _, err := b.PutGroup(context.Background(), "g", broker.StartLatest); err != nil {
		t.Fatal(err)
	}
	return tp
}

func meets(t *testing.T, b *Broker, want string) {
	t.Helper()
	if _, err := b.Meet(context.Background(), "g", "t"); err != nil {
		t.Fatal(err)
	}
	if got := brokertest.Offsets(t, b, "g", "t"); got != want {
		t.Errorf("begins at %s, want %s", got, want)
	}
}

// Where a group begins is durable before its first answer, whatever --fsync says: were it lost, so were the records that
// came meanwhile.
func TestAStartSurvivesAPowerCut(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{FsyncInterval: 1 << 40})
	tp := makeTopic(t, b, "t", 2)
	if err := tp.Append([]broker.Part{part(0, "a")}, broker.How{Sync: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.PutGroup(context.Background(), "g", broker.StartLatest); err != nil {
		t.Fatal(err)
	}
	meets(t, b, "[t-0@1 t-1@0]")
	b = engine(t, fs.Crash(nil), Config{})
	mustPut(t, mustTopic(t, b, "t"), 0, "b")
	meets(t, b, "[t-0@1 t-1@0]")
}

// However many meet a topic at once while it grows, they begin at one place.
func TestAStartIsOne(t *testing.T) {
	b := mustOpen(t, Config{})
	defer b.Close()
	tp := late(t, b)
	var wait sync.WaitGroup
	seen := make([]string, 16)
	for i := range seen {
		wait.Go(func() {
			mustPut(t, tp, i%2, "x")
			if i%4 == 0 {
				brokertest.Join(t, b, fetchAs("g", fmt.Sprint("m", i), "t"))
			} else if _, err := b.Meet(context.Background(), "g", "t"); err != nil {
				t.Error(err)
			}
			seen[i] = brokertest.Offsets(t, b, "g", "t")
		})
	}
	wait.Wait()
	for _, s := range seen {
		if s != seen[0] || s == "[]" {
			t.Errorf("begins at %s, and at %s", seen[0], s)
		}
	}
}

// On a full disk a start stands in memory, and is written when there is room.
func TestAStartOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		fs.NoReserve = true // nothing is kept free for commits
		b := engine(t, fs, Config{Fsync: FsyncNever})
		tp := late(t, b)
		fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
		meets(t, b, "[t-0@1 t-1@0]")
		if _, err := b.Join(context.Background(), fetchAs("g", "m", "t", "u")); !errors.Is(err, broker.ErrDiskFull) {
			t.Errorf("joining: %v", err)
		}
		time.Sleep(1500 * time.Millisecond) // tried again, and the disk is full still
		fs.Heal()
		mustPut(t, tp, 0, "b")
		meets(t, b, "[t-0@1 t-1@0]")
		time.Sleep(time.Second)
		synctest.Wait()
		b.Close()
		b = engine(t, fs, Config{})
		defer b.Close()
		meets(t, b, "[t-0@1 t-1@0]")
		if g, err := b.Group(context.Background(), "g", "u"); err != nil || len(g.Met) != 1 {
			t.Errorf("a topic that a refused member named: %+v %v", g, err)
		}
	})
}

// A partition that is down does not keep the others from having a start; it begins at 0 when it is there again.
func TestAStartBesideAPartitionThatIsDown(t *testing.T) {
	b := mustOpen(t, Config{})
	defer b.Close()
	tp := late(t, b)
	if err := tp.actors[1].Close(); err != nil {
		t.Fatal(err)
	}
	meets(t, b, "[t-0@1]")
}

// What is committed to a topic that goes at the same time leaves nothing behind, which would count for ever.
func TestACommitToATopicThatGoes(t *testing.T) {
	for name, call := range map[string]struct {
		change func(b *Broker) error
		left   int64 // the group, and what it has of topic u
	}{
		"commit": {func(b *Broker) error {
			c := commitOf("g", "t", 0, 0)
			c.Offsets = append(c.Offsets, broker.CommitOffset{Topic: "u"})
			_, err := b.Commit(context.Background(), c)
			return err
		}, 2},
		"start": {func(b *Broker) error {
			_, err := b.Join(context.Background(), fetchAs("g", "m", "t", "u"))
			return err
		}, 4}, // with the notes of both topics
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := mustOpen(t, Config{})
				defer b.Close()
				makeTopic(t, b, "t", 1)
				u := makeTopic(t, b, "u", 1)
				if _, err := b.PutGroup(context.Background(), "g", broker.StartLatest); err != nil {
					t.Fatal(err)
				}
				release, done := make(chan struct{}), make(chan error)
				go u.actors[0].ask(func() { <-release })
				synctest.Wait()
				go func() { done <- call.change(b) }()
				synctest.Wait() // t has told where it ends, and u is asked
				if err := b.DeleteTopic(context.Background(), "t"); err != nil {
					t.Fatal(err)
				}
				close(release)
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if got := b.groups.totals.weight.Load(); got != call.left {
					t.Errorf("%d are left, want %d", got, call.left)
				}
			})
		})
	}
}

// A lease's end that could not be written is tried again though nobody calls.
func TestALeaseEndsOnceTheDiskHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncNever})
		defer b.Close()
		makeTopic(t, b, "t", 1)
		c := fetchAs("g", "m", "t")
		c.SessionMs = 1000
		brokertest.Join(t, b, c)
		fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
		time.Sleep(1500 * time.Millisecond)
		fs.Heal()
		time.Sleep(time.Second)
		synctest.Wait()
		if n, err := b.GroupCount(context.Background()); n != 0 || err != nil {
			t.Errorf("%d groups are left: %v", n, err)
		}
	})
}

// Who waits for a partition is woken when it fails: nothing more comes.
func TestAPartitionThatFailsWakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncAlways})
		defer b.Close()
		tp := makeTopic(t, b, "t", 1)
		w := &broker.Watch{Waiter: &broker.Waiter{Ready: make(chan struct{}, 1)}, From: 9}
		if err := tp.Watch(0, w); err != nil {
			t.Fatal(err)
		}
		fs.Fail(segmenttest.OpSync, 1, errDisk)
		if err := put(tp, 0, "a"); !errors.Is(err, broker.ErrStorage) {
			t.Fatalf("append: %v", err)
		}
		synctest.Wait()
		if !w.Fired.Load() {
			t.Error("it waits still")
		}
	})
}
