package actor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// churn changes one topic, and has others come and go; what exists in the end is told by wantTopics.
func churn(t *testing.T, b *Broker, changes int) {
	t.Helper()
	ctx := context.Background()
	makeTopic(t, b, "keep", 1)
	for i := range changes {
		ms := int64(1000 + i)
		if _, _, err := b.CreateTopic(ctx, "keep", broker.TopicChange{RetentionMs: &ms}); err != nil {
			t.Fatalf("change %d: %v", i, err)
		}
		if i%10 != 0 {
			continue
		}
		name := fmt.Sprintf("t%d", i)
		makeTopic(t, b, name, 1)
		if err := b.DeleteTopic(ctx, name); err != nil {
			t.Fatalf("deletion %d: %v", i, err)
		}
	}
}

func wantTopics(t *testing.T, b *Broker, changes int) {
	t.Helper()
	all, err := b.Topics(context.Background())
	if err != nil || len(all) != 1 || all[0].Name() != "keep" || all[0].Config().RetentionMs != int64(999+changes) {
		t.Fatalf("topics: %v, %v", all, err)
	}
}

// The metadata log stays small whatever clients do, in memory storage and on files, and says the same after a power cut
// at any moment.
func TestTheMetadataLogStaysSmall(t *testing.T) {
	memory, err := Open(Config{MemoryBytes: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	churn(t, memory, 2000)
	wantTopics(t, memory, 2000)
	if n := memory.meta.bytes.Load(); n > 200<<10 {
		t.Errorf("%d bytes in memory", n)
	}
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		b.meta.ask(func() { b.meta.compactFrom(4 << 10) })
		for round := range 20 {
			churn(t, b, 100)
			if n := b.meta.bytes.Load(); n > 64<<10 {
				t.Errorf("%d bytes on disk", n)
			}
			fs = fs.Crash(rand.New(rand.NewPCG(uint64(round), 1)))
			b = engine(t, fs, Config{})
			b.meta.ask(func() { b.meta.compactFrom(4 << 10) })
			wantTopics(t, b, 100)
		}
	})
}

// compactFrom has the metadata log roll at a smaller size.
func (a *Actor) compactFrom(bytes int64) {
	m := a.compacted.(*metaOwner)
	m.segmentBytes = bytes
	a.part.SetRetention(m.retention(0))
}

// A snapshot that finds no room is written later, by itself, and the old segments go then.
func TestASnapshotIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		churn(t, b, 10)
		synctest.Wait()
		first, failed := "__flashq_meta-0/00000000000000000000.log", false
		fs.SetHook(func(op segmenttest.Op, name string) { // the first write to the next segment is the snapshot's
			if op == segmenttest.OpWrite && !failed && strings.HasPrefix(name, metaTopic) && strings.HasSuffix(name, ".log") && name != first {
				failed = true
				fs.Fail(segmenttest.OpWrite, 1, syscall.ENOSPC)
			}
		})
		b.meta.ask(b.meta.seal)
		synctest.Wait()
		if n := b.Retries().Snapshots.Load(); n != 1 {
			t.Fatalf("%d snapshots failed", n)
		}
		if logs := fs.Names(".log"); len(logs) != 3 { // one is of the topic
			t.Fatalf("the segments before went although no snapshot says what they do: %v", logs)
		}
		time.Sleep(2 * lastRetry) // in the bubble's time
		var segments int
		b.meta.ask(func() { segments = b.meta.part.Stats().Segments })
		if segments != 1 {
			t.Errorf("%d segments", segments)
		}
		wantTopics(t, b, 10)
		b = engine(t, fs.Crash(nil), Config{})
		wantTopics(t, b, 10)
	})
}

// A deletion that is not through when the metadata log is written again is not forgotten.
func TestASnapshotRemembersDeletions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		mustPut(t, makeTopic(t, b, "t", 1), 0, "x")
		fs.FailFrom(segmenttest.OpRemove, 1, errDisk)
		if err := b.DeleteTopic(context.Background(), "t"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		fs.Heal() // the next try comes later
		b.meta.ask(b.meta.seal)
		synctest.Wait()
		var segments int
		b.meta.ask(func() { segments = b.meta.part.Stats().Segments })
		if left := namesIn(fs, deleteMark); segments != 1 || len(left) == 0 {
			t.Fatalf("%d segments, %q on disk", segments, left)
		}
		fs = fs.Kill()
		b = engine(t, fs, Config{})
		synctest.Wait()
		if left := namesIn(fs, deleteMark); len(left) > 0 {
			t.Errorf("%q stay", left)
		}
	})
}

// What exists is not guessed: a topic without partitions is damage.
func TestATopicWithoutPartitionsIsDamage(t *testing.T) {
	for partitions, fine := range map[int]bool{-1: false, 0: false, 1: true} {
		var b batch.Builder
		if err := encodeMeta(&b, 1, "t", metaRecord{ID: "x", Partitions: partitions}); err != nil {
			t.Fatal(err)
		}
		known := newCatalog()
		if err := known.apply(b.Finish()); (err == nil) != fine {
			t.Errorf("a topic of %d partitions: %v", partitions, err)
		}
	}
}
