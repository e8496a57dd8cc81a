package actor

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// A write that found no room keeps the broker from being ready for a while, and one that goes through ends that at once.
func TestReadyAfterAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 1)
		fs.Fail(segmenttest.OpWrite, 1, syscall.ENOSPC)
		if err := put(tp, 0, "x"); !errors.Is(err, broker.ErrDiskFull) {
			t.Fatal(err)
		}
		time.Sleep(fullFor - time.Second) // in the bubble's time
		if !errors.Is(b.Ready(), broker.ErrDiskFull) {
			t.Errorf("ready a second too early: %v", b.Ready())
		}
		mustPut(t, tp, 0, "y")
		if err := b.Ready(); err != nil {
			t.Errorf("after a write that went through: %v", err)
		}
	})
}

// Changing a topic's segments does not let memory storage keep one that can't go.
func TestChangedSegmentsStaySmallInMemory(t *testing.T) {
	b, err := Open(Config{MemoryBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	tp := makeTopic(t, b, "t", 1)
	large := int64(1 << 29)
	if _, _, err := b.CreateTopic(context.Background(), "t", broker.TopicChange{SegmentBytes: &large}); err != nil {
		t.Fatal(err)
	}
	for range 20 { // memory is not short
		mustPut(t, tp, 0, strings.Repeat("v", 60<<10))
	}
	s, err := tp.Stats(context.Background(), 0)
	if err != nil || s.Segments < 10 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Folders are durable before anything counts on them, and gone for good before they are forgotten; so is a clean mark
// before anything is written.
func TestTheDataFolderIsSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		var synced atomic.Bool
		fs.SetHook(func(op segmenttest.Op, name string) {
			if op == segmenttest.OpSyncDir && name == "" {
				synced.Store(true)
			}
			if op == segmenttest.OpWrite && strings.HasPrefix(name, metaTopic) && !synced.Load() {
				t.Error("a topic is recorded before its folders are durable")
			}
		})
		makeTopic(t, b, "t", 1)
		synctest.Wait() // nobody is at work
		synced.Store(false)
		fs.SetHook(func(op segmenttest.Op, name string) {
			if op == segmenttest.OpSyncDir && name == "" {
				synced.Store(true)
			}
			if op == segmenttest.OpWrite && strings.HasPrefix(name, groupsTopic) && !synced.Load() {
				t.Error("a commit is written before its log's folder is durable")
			}
		})
		commit(t, b, "g", "t", 0, 0)
		synctest.Wait()
		fs.SetHook(func(op segmenttest.Op, name string) {
			if op == segmenttest.OpRemove || op == segmenttest.OpSyncDir && name == "" {
				synced.Store(op != segmenttest.OpRemove)
			}
			if op == segmenttest.OpWrite && strings.HasPrefix(name, metaTopic) && !synced.Load() {
				t.Error("a deleted topic is forgotten before its folders are gone for good")
			}
		})
		if err := b.DeleteTopic(context.Background(), "t"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		fs.SetHook(nil)
		if len(namesIn(fs, deleteMark)) > 0 {
			t.Error("the topic's folder is still there")
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if fs.Crash(nil).Bytes(cleanName) == nil {
			t.Fatal("no clean mark after a clean stop")
		}
		engine(t, fs, Config{})
		if fs.Crash(nil).Bytes(cleanName) != nil {
			t.Error("a power cut brings the clean mark back")
		}
	})
}

// A machine that starts anew after a clean stop has lost nothing: no new epoch.
func TestNoNewEpochAfterACleanStop(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{})
	mustPut(t, makeTopic(t, b, "t", 1), 0, "x")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	fs.SetBytes(bootName, []byte("another boot"))
	b = engine(t, fs, Config{})
	if epoch := topicOf(t, b, "t").actors[0].part.Epoch(); epoch != 0 {
		t.Errorf("epoch %d", epoch)
	}
}

// A request whose parts were stored in some partitions alone says so; one of which nothing was stored does not.
func TestPartlyStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 2)
		failing := map[string]bool{"t-1/00000000000000000000.log": true}
		fs.SetHook(func(op segmenttest.Op, name string) {
			if op == segmenttest.OpWrite && failing[name] {
				fs.Fail(segmenttest.OpWrite, 1, syscall.ENOSPC)
			}
		})
		send := func() ([]broker.Part, error) {
			parts := []broker.Part{part(0, "x"), part(1, "y")}
			return parts, tp.Append(parts, broker.How{})
		}
		var partial *broker.PartialError
		if parts, err := send(); !errors.As(err, &partial) || !parts[0].Stored || parts[1].Stored {
			t.Errorf("one of two: %v, %v %v", err, parts[0].Stored, parts[1].Stored)
		}
		synctest.Wait()
		failing["t-0/00000000000000000000.log"] = true
		if _, err := send(); errors.As(err, &partial) || !errors.Is(err, broker.ErrDiskFull) {
			t.Errorf("none of two: %v", err)
		}
	})
}

// A caller who leaves before it gets its view leaves nothing open.
func TestAViewOfWhoLeftIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := Open(Config{MemoryBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		tp := makeTopic(t, b, "t", 1)
		before := b.memory.Used()
		mustPut(t, tp, 0, strings.Repeat("x", 100<<10))
		a, hold := tp.actors[0], make(chan struct{})
		a.post(chore(func() { <-hold }))
		ctx, cancel := context.WithCancel(context.Background())
		left := make(chan error, 1)
		go func() { _, err := tp.Snapshot(ctx, 0); left <- err }()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(hold)
		synctest.Wait()
		if err := b.DeleteTopic(context.Background(), "t"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if used := b.memory.Used(); used > before+4<<10 {
			t.Errorf("%d bytes are held, %d were before", used, before)
		}
	})
}

// Removals go one after the other: a crash between them leaves no hole.
func TestTrimsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var trims trims
		hold, second := make(chan struct{}), false
		trims.start(func() { <-hold })
		trims.start(func() { second = true })
		synctest.Wait()
		if second {
			t.Error("the second did not wait for the first")
		}
		close(hold)
		trims.wait()
		if !second {
			t.Error("the second did not run")
		}
	})
}

// Who asked for a sync gets one also under never, and also where the segment is sealed first.
func TestASealSyncsForWhoAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncNever, SegmentBytes: 1 << 10})
		tp := makeTopic(t, b, "t", 1)
		g := newGate(fs, segmenttest.OpSyncDir) // the first one's file is synced by then, without the second
		answers := make(chan error, 3)
		for i, v := range []string{"a", "b", strings.Repeat("c", 1000)} {
			go func() { answers <- tp.Append([]broker.Part{part(0, v)}, broker.How{Sync: i < 2}) }()
			synctest.Wait()
		}
		close(g.open)
		for range 3 {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
		b = engine(t, fs.Crash(nil), Config{})
		if got, _ := read(t, topicOf(t, b, "t"), 0); len(got) < 2 {
			t.Errorf("a power cut leaves %q of two that were synced", got)
		}
	})
}

// The bound on topics is how many there may be.
func TestTopicsAreBounded(t *testing.T) {
	b := engine(t, segmenttest.New(), Config{MaxTopics: 2})
	makeTopic(t, b, "a", 1)
	makeTopic(t, b, "b", 1)
	_, _, err := b.CreateTopic(context.Background(), "c", broker.TopicChange{})
	if !errors.Is(err, broker.ErrTooManyTopics) {
		t.Errorf("the third of two: %v", err)
	}
}

// A partition that has one segment alone gives that up, too, when memory is short: it is sealed first.
func TestTheOnlySegmentGoesAfterASeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := Open(Config{MemoryBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		tp := makeTopic(t, b, "t", 1)
		mustPut(t, tp, 0, strings.Repeat("x", 10<<10))
		tp.actors[0].ask(func() { tp.actors[0].giveUp() })
		synctest.Wait()
		if s, err := tp.Stats(context.Background(), 0); err != nil || s.Bytes != 0 || s.LogStart != 1 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
