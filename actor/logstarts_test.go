package actor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/partition"
	"flashq/segment/segmenttest"
)

const logStartsFile = "log-start-offset-checkpoint"

// steps fills each partition with so many segments of one record each, and syncs.
func steps(t *testing.T, tp *topic, segments int) {
	t.Helper()
	for p := range tp.actors {
		for range segments {
			mustPut(t, tp, p, strings.Repeat("x", 1000))
		}
	}
	time.Sleep(2 * time.Second)
}

func keep(t *testing.T, b *Broker, name string, size int64) {
	t.Helper()
	if _, _, err := b.CreateTopic(context.Background(), name, broker.TopicChange{RetentionBytes: &size}); err != nil {
		t.Fatal(err)
	}
}

func earliest(t *testing.T, tp *topic, partition int) int64 {
	t.Helper()
	s, err := tp.Stats(context.Background(), partition)
	if err != nil {
		t.Fatal(err)
	}
	return s.LogStart
}

// Whichever operation is the first that fails, and all of its kind after it: what a reader saw as earliest is earliest
// after kill -9 and after a power cut, and no record is missing from there on.
func TestEarliestNeverGoesBack(t *testing.T) {
	moved := 0
	for _, ops := range [][]segmenttest.Op{
		{segmenttest.OpRemove}, {segmenttest.OpRemove, segmenttest.OpCreate}, {segmenttest.OpRemove, segmenttest.OpWrite},
		{segmenttest.OpRemove, segmenttest.OpSync}, {segmenttest.OpRemove, segmenttest.OpRename},
		{segmenttest.OpRemove, segmenttest.OpSyncDir}, {segmenttest.OpSyncDir},
	} {
		for nth := 1; nth <= 4; nth++ {
			synctest.Test(t, func(t *testing.T) {
				fs := segmenttest.New()
				b := engine(t, fs, Config{SegmentBytes: 1 << 10})
				tp := makeTopic(t, b, "t", 1)
				steps(t, tp, 8)
				for _, op := range ops {
					fs.FailFrom(op, nth, errDisk)
				}
				a := tp.actors[0]
				a.ask(func() {
					a.part.SetRetention(partition.Retention{Ms: -1, Bytes: 3000, SegmentBytes: 1 << 10})
					a.expire()
				})
				b.owners.starts.flush()
				synctest.Wait()
				seen := earliest(t, tp, 0)
				moved += int(seen)
				for i, disk := range []*segmenttest.FS{fs.Kill(), fs.Crash(nil), fs.Crash(rand.New(rand.NewPCG(3, uint64(nth))))} {
					again := engine(t, disk, Config{SegmentBytes: 1 << 10})
					start := earliest(t, topicOf(t, again, "t"), 0)
					if got, _ := read(t, topicOf(t, again, "t"), 0); start < seen || int64(len(got)) != 8-start {
						t.Errorf("%v %d, disk %d: earliest was %d, is %d, %d records", ops, nth, i, seen, start, len(got))
					}
				}
			})
		}
	}
	if moved == 0 {
		t.Error("no row took anything")
	}
}

// Many partitions that let go in one look share one write of the checkpoint, and what is removed is not in the next one.
func TestLogStartsAreStoredOnceALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		var writes atomic.Int64
		fs.SetHook(func(op segmenttest.Op, name string) {
			if op == segmenttest.OpRename && strings.HasPrefix(name, logStartsFile) {
				writes.Add(1)
			}
		})
		b := engine(t, fs, Config{SegmentBytes: 1 << 10, RetentionCheck: 5 * time.Second})
		tp := makeTopic(t, b, "t", 40)
		steps(t, tp, 3)
		ms := int64(60_000)
		if _, _, err := b.CreateTopic(context.Background(), "t", broker.TopicChange{RetentionMs: &ms}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(66 * time.Second)
		for p := range tp.actors {
			if got := earliest(t, tp, p); got == 0 {
				t.Fatalf("partition %d still begins at 0", p)
			}
		}
		if n := writes.Load(); n == 0 || n > 4 { // two looks take the sealed segments and the last ones, which roll in between
			t.Errorf("%d writes", n)
		}
		if lines := bytes.Count(fs.Bytes(logStartsFile), []byte("\n")); lines != 42 {
			t.Errorf("the checkpoint is %q", fs.Bytes(logStartsFile))
		}
		one := makeTopic(t, b, "one", 1)
		steps(t, one, 3)
		keep(t, b, "one", 0)
		time.Sleep(time.Minute)
		if got := string(fs.Bytes(logStartsFile)); got != "0\n1\none 0 2\n" {
			t.Errorf("then it is %q", got)
		}
	})
}

// A checkpoint that can't be read is kept under another name and reported; what of it can be read counts.
func TestSpoiledLogStartsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{SegmentBytes: 1 << 10})
		steps(t, makeTopic(t, b, "t", 2), 4)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		const spoiled = "0\n2\nt 0 2\nt 1 \xff\n"
		fs.SetBytes(logStartsFile, []byte(spoiled))
		fs.Fail(segmenttest.OpRename, 1, errDisk) // not at the start, then
		var log bytes.Buffer
		b = engine(t, fs, Config{SegmentBytes: 1 << 10, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		tp := topicOf(t, b, "t")
		if earliest(t, tp, 0) != 2 || earliest(t, tp, 1) != 0 || !strings.Contains(log.String(), "can't be read") {
			t.Errorf("earliest %d and %d, log: %s", earliest(t, tp, 0), earliest(t, tp, 1), &log)
		}
		keep(t, b, "t", 2000)
		synctest.Wait()
		if earliest(t, tp, 1) == 0 || string(fs.Bytes(logStartsFile+".broken")) != spoiled {
			t.Errorf("earliest %d, kept: %q", earliest(t, tp, 1), fs.Bytes(logStartsFile+".broken"))
		}
	})
}

// A topic that is made again does not begin where the last one of its name did, over any crash.
func TestATopicMadeAgainBeginsAtZero(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{SegmentBytes: 1 << 10})
			steps(t, makeTopic(t, b, "t", 1), 6)
			keep(t, b, "t", 0)
			synctest.Wait()
			if got := string(fs.Bytes(logStartsFile)); got != "0\n1\nt 0 5\n" {
				t.Fatalf("checkpoint %q", got)
			}
			if err := b.DeleteTopic(context.Background(), "t"); err != nil {
				t.Fatal(err)
			}
			if restart {
				fs = fs.Kill()
				b = engine(t, fs, Config{SegmentBytes: 1 << 10})
			}
			steps(t, makeTopic(t, b, "t", 1), 7)
			for _, disk := range []*segmenttest.FS{fs.Kill(), fs.Crash(nil)} {
				again := engine(t, disk, Config{SegmentBytes: 1 << 10})
				if got, _ := read(t, topicOf(t, again, "t"), 0); len(got) != 7 {
					t.Errorf("restart %v: %d of 7 records", restart, len(got))
				}
			}
		})
	}
}

// A stored start beyond the end of a log that lost nothing is wrong, and hides nothing later on, either.
func TestALogStartBeyondTheEndIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{SegmentBytes: 1 << 10})
		steps(t, makeTopic(t, b, "t", 1), 4)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		fs.SetBytes(logStartsFile, []byte("0\n1\nt 0 6\n"))
		b = engine(t, fs, Config{SegmentBytes: 1 << 10})
		steps(t, topicOf(t, b, "t"), 4)
		b = engine(t, fs.Kill(), Config{SegmentBytes: 1 << 10})
		if got, _ := read(t, topicOf(t, b, "t"), 0); len(got) != 8 {
			t.Errorf("%d of 8 records", len(got))
		}
		fs.SetBytes(logStartsFile, []byte("0\n1\nt 0 9\n"))
		fs = fs.Kill()
		fs.FailFrom(segmenttest.OpRename, 1, errDisk)
		b = engine(t, fs, Config{SegmentBytes: 1 << 10})
		if err := put(topicOf(t, b, "t"), 0, "no"); !errors.Is(err, broker.ErrStorage) {
			t.Errorf("while it can't be taken back, an append is answered %v", err)
		}
	})
}

// What is stored of a partition stays, whoever else has something stored, until its old files are gone; and goes with
// its topic.
func TestLogStartsStayAsLongAsTheirFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{SegmentBytes: 1 << 10})
		stuck, other := makeTopic(t, b, "stuck", 1), makeTopic(t, b, "other", 1)
		steps(t, stuck, 5)
		steps(t, other, 5)
		store := func(b *Broker, size int64) string {
			time.Sleep(time.Minute) // what failed is left alone for a while
			keep(t, b, "other", size)
			synctest.Wait()
			return string(fs.Bytes(logStartsFile))
		}
		fs.FailFrom(segmenttest.OpRemove, 1, errDisk)
		keep(t, b, "stuck", 0)
		synctest.Wait()
		if got := store(b, 3000); got != "0\n2\nother 0 2\nstuck 0 4\n" {
			t.Errorf("stored is %q", got)
		}
		fs = fs.Kill()
		fs.FailFrom(segmenttest.OpRemove, 1, errDisk)
		b = engine(t, fs, Config{SegmentBytes: 1 << 10})
		if got := store(b, 2000); got != "0\n2\nother 0 3\nstuck 0 4\n" {
			t.Errorf("after a restart %q", got)
		}
		if err := b.DeleteTopic(context.Background(), "stuck"); err != nil {
			t.Fatal(err)
		}
		if got := store(b, 1000); got != "0\n1\nother 0 4\n" {
			t.Errorf("after its deletion %q", got)
		}
	})
}

// A start in the middle of a segment, as other programs make them, hides the records before it for good.
func TestLogStartWithinASegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 1)
		for _, v := range []string{"a", "b", "c"} {
			mustPut(t, tp, 0, v)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		fs.SetBytes(logStartsFile, []byte("0\n1\nt 0 1\n"))
		for range 3 {
			b = engine(t, fs, Config{SegmentBytes: 1 << 10})
			if got, _ := read(t, topicOf(t, b, "t"), 0); fmt.Sprint(got) != "[b c]" {
				t.Errorf("holds %v", got)
			}
			other, _, _ := b.CreateTopic(context.Background(), "other", broker.TopicChange{})
			steps(t, other.(*topic), 3)
			keep(t, b, "other", 0)
			synctest.Wait()
			fs = fs.Kill()
		}
	})
}

// The end of an old removal does not count for a newer start, and what a write that failed may have left in the file is
// not forgotten.
func TestLogStartsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		var work sync.WaitGroup
		s := openLogStarts(fs, slog.New(slog.DiscardHandler), &work)
		var stored error
		store := func(offset int64) {
			s.move("t-0", offset, func(err error) { stored = err })
			s.flush()
			work.Wait()
		}
		store(5)
		store(9)
		s.removed("t-0", 5)
		if s.of("t-0") != 9 || stored != nil {
			t.Errorf("the start is %d, %v", s.of("t-0"), stored)
		}
		s.removed("t-0", 9)
		if err := s.forget([]string{"t-0"}); err != nil || string(fs.Bytes(logStartsFile)) != "0\n0\n" {
			t.Errorf("%q %v", fs.Bytes(logStartsFile), err)
		}
		fs.Fail(segmenttest.OpSyncDir, 1, errDisk)
		store(12)
		if s.of("t-0") != 0 || !errors.Is(stored, errDisk) {
			t.Errorf("the start is %d, %v", s.of("t-0"), stored)
		}
		if err := s.forget([]string{"t-0"}); err != nil || string(fs.Bytes(logStartsFile)) != "0\n0\n" {
			t.Errorf("%q %v", fs.Bytes(logStartsFile), err)
		}
	})
}
