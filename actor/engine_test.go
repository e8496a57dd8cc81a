package actor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContractInMemory(t *testing.T) {
	brokertest.Run(t, func(t *testing.T) broker.Broker { return mustOpen(t, Config{MemoryBytes: 64 << 20}) })
}

func TestContractOnFiles(t *testing.T) {
	for name, fsync := range map[string]Fsync{"interval": FsyncInterval, "always": FsyncAlways, "never": FsyncNever} {
		t.Run(name, func(t *testing.T) {
			brokertest.Run(t, func(t *testing.T) broker.Broker {
				return mustOpen(t, Config{Dir: t.TempDir(), Fsync: fsync, SegmentBytes: 1 << 10})
			})
		})
	}
}

func mustOpen(t testing.TB, c Config) *Broker {
	t.Helper()
	b, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRestartKeepsWhatExists(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, Config{Dir: dir, SegmentBytes: 1 << 10})
	kept, gone := makeTopic(t, b, "kept", 3), makeTopic(t, b, "gone", 1)
	for i := range 100 {
		mustPut(t, kept, i%3, fmt.Sprint(i), strings.Repeat("x", 50))
	}
	mustPut(t, gone, 0, "x")
	size := int64(12345)
	if _, _, err := b.CreateTopic(context.Background(), "kept", broker.TopicChange{RetentionBytes: &size}); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteTopic(context.Background(), "gone"); err != nil {
		t.Fatal(err)
	}
	before, _ := read(t, kept, 1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = mustOpen(t, Config{Dir: dir})
	defer b.Close()
	if f := b.Found(); f.Topics != 1 || f.Records != 200 || f.Damaged+f.Failed != 0 {
		t.Errorf("found %+v", f)
	}
	again, err := b.Topic(context.Background(), "kept")
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := read(t, again.(*topic), 1); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("holds %v, held %v", after, before)
	}
	if c := again.Config(); c.RetentionBytes != size || c.Partitions != 3 {
		t.Errorf("configuration %+v", c)
	}
	if _, err := b.Topic(context.Background(), "gone"); !errors.Is(err, broker.ErrTopicNotFound) {
		t.Errorf("the deleted topic: %v", err)
	}
}

func TestSecondBrokerIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, Config{Dir: dir})
	defer b.Close()
	_, err := Open(Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "data folder "+dir+" is locked by pid ") {
		t.Errorf("second broker: %v", err)
	}
}

// TestPowerCuts loses what was not synced at random, over and over: what was acknowledged under always is there, offsets
// are dense, and each power cut begins a new leader epoch.
func TestPowerCuts(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			disk := segmenttest.New()
			var acked []string
			for round := range 4 {
				b := engine(t, disk, Config{Fsync: FsyncAlways, SegmentBytes: 1 << 10})
				tp := makeTopic(t, b, "t", 1)
				got, _ := read(t, tp, 0)
				if len(got) < len(acked) || fmt.Sprint(got[:len(acked)]) != fmt.Sprint(acked) {
					t.Fatalf("seed %d round %d: holds %v, acknowledged %v", seed, round, got, acked)
				}
				acked = got
				if e := tp.actors[0].part.Epoch(); e != int32(round) {
					t.Fatalf("seed %d: epoch %d after %d power cuts", seed, e, round)
				}
				for i := range 12 {
					value := fmt.Sprintf("%d-%d-%s", round, i, strings.Repeat("x", 60))
					mustPut(t, tp, 0, value)
					acked = append(acked, value)
				}
				crashed := disk.Crash(rand.New(rand.NewPCG(seed, uint64(round))))
				crashed.SetBytes(bootName, []byte("an earlier boot"))
				disk = crashed
				_ = b.Close() // of the disk that is gone
			}
		})
	}
}

func TestIntervalSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 1)
		time.Sleep(3 * time.Second)
		before := fs.Count(segmenttest.OpSync)
		for range 20 {
			mustPut(t, tp, 0, "x")
		}
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if n := fs.Count(segmenttest.OpSync) - before; n != 0 {
			t.Errorf("%d syncs before the interval is over", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := fs.Count(segmenttest.OpSync) - before; n != 1 {
			t.Errorf("%d syncs for one burst", n)
		}
		parts := []broker.Part{part(0, "durable")}
		if err := tp.Append(parts, broker.How{Sync: true}); err != nil {
			t.Fatal(err)
		}
		crashed := fs.Crash(nil)
		again := engine(t, crashed, Config{})
		found, err := again.Topic(context.Background(), "t")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := read(t, found.(*topic), 0); len(got) != 21 {
			t.Errorf("%d records after a power cut", len(got))
		}
	})
}

// TestGatherSharesWrites: what waits while a write is under way goes in one write, up to the budget.
func TestGatherSharesWrites(t *testing.T) {
	for _, row := range []struct{ budget, atMost, atLeast int }{{128 << 10, 3, 2}, {1, 101, 101}, {1000, 20, 8}} {
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{BatchBytes: row.budget})
			tp := makeTopic(t, b, "t", 1)
			g := newGate(fs, segmenttest.OpWrite)
			before := fs.Count(segmenttest.OpWrite)
			go func() { _ = put(tp, 0, "first") }()
			<-g.entered
			for range 100 { // about 73 bytes each
				go func() { _ = put(tp, 0, "x") }()
			}
			synctest.Wait()
			close(g.open)
			synctest.Wait()
			writes := fs.Count(segmenttest.OpWrite) - before
			if writes > row.atMost || writes < row.atLeast {
				t.Errorf("budget %d: %d writes", row.budget, writes)
			}
			if _, high := read(t, tp, 0); high != 101 {
				t.Errorf("high watermark %d", high)
			}
		})
	}
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{SegmentBytes: 1 << 10})
		bytes, ms := int64(5000), int64(time.Hour/time.Millisecond)
		small, _, err := b.CreateTopic(context.Background(), "small", broker.TopicChange{RetentionBytes: &bytes})
		if err != nil {
			t.Fatal(err)
		}
		short, _, err := b.CreateTopic(context.Background(), "short", broker.TopicChange{RetentionMs: &ms})
		if err != nil {
			t.Fatal(err)
		}
		old := brokertest.Part(0, 1, "replayed history") // from 1970, arriving now
		brokertest.Append(t, short, old)
		for range 100 {
			mustPut(t, small.(*topic), 0, strings.Repeat("x", 100))
			mustPut(t, short.(*topic), 0, strings.Repeat("x", 100))
		}
		time.Sleep(time.Minute)
		s, _ := small.Stats(context.Background(), 0)
		if s.Bytes < bytes || s.Bytes > bytes+2<<10 || s.LogStart == 0 {
			t.Errorf("by size: %+v", s)
		}
		if s, _ := short.Stats(context.Background(), 0); s.LogStart != 0 {
			t.Errorf("replayed history was deleted on arrival: %+v", s)
		}
		time.Sleep(2 * time.Hour)
		if s, _ := short.Stats(context.Background(), 0); s.LogStart != 101 || s.HighWatermark != 101 {
			t.Errorf("by age: %+v", s)
		}
		mustPut(t, short.(*topic), 0, "new")
		if got := brokertest.ReadAll(t, short, 0, 101); fmt.Sprint(got) != "[new]" {
			t.Errorf("holds %v", got)
		}
	})
}

// A request that is larger than what the governor keeps free finds room at its next try, whoever filled the memory.
func TestMemoryMakesRoomForALargeRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustOpen(t, Config{MemoryBytes: 8 << 20})
		defer b.Close()
		small, large := makeTopic(t, b, "small", 16), makeTopic(t, b, "large", 1)
		for i := range 4000 { // 40 MB
			if err := put(small, i%16, strings.Repeat("x", 10_000)); err != nil && !errors.Is(err, broker.ErrOverloaded) {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		refused := 0
		for put(large, 0, strings.Repeat("y", 900_000)) != nil {
			if refused++; refused == 10 {
				t.Fatal("there is never room for 900 kB in 8 MiB")
			}
			synctest.Wait() // the governor is at work
		}
	})
}

// TestMemoryIsBounded writes many times the limit: oldest segments go first, whoever wrote them.
func TestMemoryIsBounded(t *testing.T) {
	const limit = 8 << 20
	b := mustOpen(t, Config{MemoryBytes: limit})
	defer b.Close()
	first, second := makeTopic(t, b, "first", 1), makeTopic(t, b, "second", 1)
	value := strings.Repeat("x", 100_000)
	for _, tp := range []*topic{first, second} {
		for range 400 { // 40 MB
			err := put(tp, 0, value)
			for errors.Is(err, broker.ErrOverloaded) { // the governor is at work: try again, as a client would
				err = put(tp, 0, value)
			}
			if err != nil {
				t.Fatal(err)
			}
			if used := b.memory.Used(); used > limit {
				t.Fatalf("%d bytes are used", used)
			}
		}
	}
	for _, tp := range []*topic{first, second} {
		s, err := tp.Stats(context.Background(), 0)
		if err != nil || s.HighWatermark != 400 || s.LogStart == 0 {
			t.Errorf("%s: %+v %v", tp.name, s, err)
		}
	}
	if s, _ := second.Stats(context.Background(), 0); s.Bytes < limit/4 {
		t.Errorf("the busy topic has %d bytes only", s.Bytes)
	}
	got := brokertest.ReadAll(t, second, 0, 399)
	if len(got) != 1 || got[0] != value {
		t.Error("the newest record is not what was sent")
	}
}

func TestUnknownFolderIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		_ = fs.Mkdir("mine-0")
		fs.SetBytes("mine-0/00000000000000000000.log", stamped(t))
		b := engine(t, fs, Config{})
		if _, _, err := b.CreateTopic(context.Background(), "mine", broker.TopicChange{}); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("a topic over a stranger's records: %v", err)
		}
		if len(fs.Bytes("mine-0/00000000000000000000.log")) == 0 {
			t.Error("the stranger's records are gone")
		}
	})
}

func stamped(t *testing.T) batch.Batch {
	t.Helper()
	p := part(0, "x")
	return p.Batch
}

func TestNewerFormatIsRefused(t *testing.T) {
	fs := segmenttest.New()
	fs.SetBytes(versionName, []byte("9 9\n"))
	if _, err := Open(Config{FS: fs}); err == nil || !strings.Contains(err.Error(), "format 9") {
		t.Errorf("a newer format: %v", err)
	}
	fs.SetBytes(versionName, []byte("9 1\n")) // newer, but this program can read it
	b := mustOpen(t, Config{FS: fs})
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestDamagedPartitionDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 2)
		mustPut(t, tp, 1, "x")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		fs.SetBytes("t-0/partition.metadata", []byte("version: 0\ntopic_id: someoneelse\n"))
		b = engine(t, fs, Config{})
		again := makeTopic(t, b, "t", 2)
		wantValues(t, again, 1, "x")
		if err := put(again, 0, "x"); !errors.Is(err, broker.ErrStorage) {
			t.Errorf("append to the damaged one: %v", err)
		}
		if b.Found().Failed != 1 {
			t.Errorf("found %+v", b.Found())
		}
	})
}
