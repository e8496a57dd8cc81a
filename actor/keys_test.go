package actor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment/segmenttest"
)

// tryKeyed appends with a key whose digest is made of all that the parts say.
func tryKeyed(tp *topic, key string, parts ...broker.Part) (replayed bool, err error) {
	return tryKeyedAt(tp, key, 0, parts...)
}

func tryKeyedAt(tp *topic, key string, clock int64, parts ...broker.Part) (replayed bool, err error) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprint(h, p.Partition, ":")
		for it := p.Batch.Records(); it.Next(); {
			fmt.Fprintf(h, "%q=%q,", it.Record.Key, it.Record.Value)
		}
	}
	k := broker.Key{Name: key, Digest: [16]byte(h.Sum(nil)), Clock: clock}
	err = tp.Append(parts, broker.How{Key: &k})
	return k.Replayed, err
}

func wantKeyed(t *testing.T, tp *topic, key string, replayed bool, parts ...broker.Part) {
	t.Helper()
	got, err := tryKeyed(tp, key, parts...)
	if err != nil || got != replayed {
		t.Fatalf("key %s: replayed %v, want %v: %v", key, got, replayed, err)
	}
}

func wantReused(t *testing.T, tp *topic, key string, parts ...broker.Part) {
	t.Helper()
	if _, err := tryKeyed(tp, key, parts...); !errors.Is(err, broker.ErrKeyReused) {
		t.Fatalf("key %s: %v, want that it is reused", key, err)
	}
}

func TestKeyInFlight(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{})
	tp := makeTopic(t, b, "t", 1)
	g := newGate(fs, segmenttest.OpWrite)
	answer := make(chan error, 1)
	go func() {
		_, err := tryKeyed(tp, "k", part(0, "a"))
		answer <- err
	}()
	<-g.entered
	for _, value := range []string{"a", "another"} {
		if _, err := tryKeyed(tp, "k", part(0, value)); !errors.Is(err, broker.ErrKeyInFlight) {
			t.Errorf("%s while the first is in flight: %v", value, err)
		}
	}
	close(g.open)
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	wantKeyed(t, tp, "k", true, part(0, "a"))
	wantValues(t, tp, 0, "a")
}

// A request of which one partition has its records and another does not is completed by its replay.
func TestHalfStoredKeyIsCompleted(t *testing.T) {
	for _, restart := range []bool{false, true} {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 3)
		request := func() []broker.Part { return []broker.Part{part(0, "a", "b"), part(1, "c"), part(2, "d")} }
		fs.FailNamed(segmenttest.OpWrite, ".log", 2, syscall.ENOSPC)
		_, err := tryKeyed(tp, "k", request()...)
		var partial *broker.PartialError
		if !errors.As(err, &partial) || !errors.Is(err, broker.ErrDiskFull) {
			t.Fatalf("with one disk full: %v", err)
		}
		if restart {
			fs = fs.Kill()
			b = engine(t, fs, Config{})
			tp = topicOf(t, b, "t")
		}
		wantReused(t, tp, "k", part(0, "a", "b"))
		wantReused(t, tp, "k", part(0, "a", "x"), part(1, "x"), part(2, "d"))
		wantKeyed(t, tp, "k", false, request()...) // some of it is new
		wantKeyed(t, tp, "k", true, request()...)
		wantValues(t, tp, 0, "a", "b")
		wantValues(t, tp, 1, "c")
		wantValues(t, tp, 2, "d")
	}
}

// A request that stored nothing for certain leaves its key to any other; one that may have, does not.
func TestKeyOfFailedRequest(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{Fsync: FsyncAlways})
	tp := makeTopic(t, b, "t", 2)
	fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
	if _, err := tryKeyed(tp, "k", part(0, "a"), part(1, "b")); !errors.Is(err, broker.ErrDiskFull) {
		t.Fatal(err)
	}
	fs.Heal()
	wantKeyed(t, tp, "k", false, part(0, "another"))
	fs.Fail(segmenttest.OpSync, 1, errDisk)
	if _, err := tryKeyed(tp, "l", part(0, "x")); !errors.Is(err, broker.ErrStorage) {
		t.Fatal(err)
	}
	wantReused(t, tp, "l", part(1, "y"))
}

// keyedLives are the ways in which a broker ends, with what comes before; the next one opens what is left.
var keyedLives = []struct {
	name string
	end  func(t *testing.T, fs *segmenttest.FS, b *Broker, tp *topic) *segmenttest.FS
	// compared tells that what the key stood for is lost, so that the log has to say it.
	compared bool
}{
	{name: "goes on", end: goesOn},
	{name: "stops", end: endedWell},
	{name: "is killed", end: killed},
	{name: "rolls and is killed", end: rolled(killed)},
	{name: "rolls and stops", end: rolled(endedWell)},
	{name: "loses the records", end: trimmed(goesOn)},
	{name: "loses the records and is killed", end: trimmed(killed)},
	{name: "loses the records and stops", end: trimmed(endedWell)},
	{name: "rolls and loses power", end: rolled(func(_ *testing.T, fs *segmenttest.FS, _ *Broker, _ *topic) *segmenttest.FS {
		return fs.Crash(nil)
	})},
	{name: "rolls, saves nothing and is killed", end: func(t *testing.T, fs *segmenttest.FS, b *Broker, tp *topic) *segmenttest.FS {
		fs.FailNamedFrom(segmenttest.OpCreate, ".snapshot", 1, errDisk)
		return rolled(killed)(t, fs, b, tp)
	}},
	{name: "is killed and loses the notes", compared: true,
		end: func(_ *testing.T, fs *segmenttest.FS, _ *Broker, _ *topic) *segmenttest.FS {
			return without(fs.Kill(), ".keynotes")
		}},
	{name: "is killed and loses the snapshot", compared: true,
		end: func(t *testing.T, fs *segmenttest.FS, b *Broker, tp *topic) *segmenttest.FS {
			return without(rolled(killed)(t, fs, b, tp), ".snapshot", ".keys")
		}},
}

// without is a disk that has lost the files of some kinds.
func without(fs *segmenttest.FS, suffixes ...string) *segmenttest.FS {
	for _, suffix := range suffixes {
		for _, name := range fs.Names(suffix) {
			fs.SetBytes(name, nil)
		}
	}
	return fs
}

func goesOn(*testing.T, *segmenttest.FS, *Broker, *topic) *segmenttest.FS { return nil }

func killed(_ *testing.T, fs *segmenttest.FS, _ *Broker, _ *topic) *segmenttest.FS { return fs.Kill() }

func endedWell(t *testing.T, fs *segmenttest.FS, b *Broker, _ *topic) *segmenttest.FS {
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return fs.Kill()
}

// rolled has other records fill the segment up first.
func rolled(end func(*testing.T, *segmenttest.FS, *Broker, *topic) *segmenttest.FS) func(*testing.T, *segmenttest.FS,
	*Broker, *topic) *segmenttest.FS {
	return func(t *testing.T, fs *segmenttest.FS, b *Broker, tp *topic) *segmenttest.FS {
		for i := range 8 {
			mustPut(t, tp, i%2, strings.Repeat("x", 900))
		}
		for _, a := range tp.actors {
			a.ask(a.saves.running.Wait)
		}
		return end(t, fs, b, tp)
	}
}

// trimmed has retention take everything but what fills up the last segment.
func trimmed(end func(*testing.T, *segmenttest.FS, *Broker, *topic) *segmenttest.FS) func(*testing.T, *segmenttest.FS,
	*Broker, *topic) *segmenttest.FS {
	return rolled(func(t *testing.T, fs *segmenttest.FS, b *Broker, tp *topic) *segmenttest.FS {
		none := int64(0)
		if _, _, err := b.CreateTopic(context.Background(), "t", broker.TopicChange{RetentionBytes: &none}); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			if s, err := tp.Stats(context.Background(), i); err != nil || s.LogStart < 2 {
				t.Fatalf("partition %d still has its first records: %+v %v", i, s, err)
			}
		}
		return end(t, fs, b, tp)
	})
}

// Whatever happens between, the same request again is answered with what was stored the first time, and another one with
// its key is refused.
func TestKeyOutlasts(t *testing.T) {
	for _, life := range keyedLives {
		for _, fsync := range []Fsync{FsyncInterval, FsyncAlways} {
			t.Run(fmt.Sprint(life.name, " ", fsync), func(t *testing.T) {
				config := Config{SegmentBytes: 2 << 10, Fsync: fsync}
				fs := segmenttest.New()
				b := engine(t, fs, config)
				tp := makeTopic(t, b, "t", 3)
				request := func() []broker.Part { return []broker.Part{part(0, "a", "b"), part(1, "c")} }
				mustPut(t, tp, 0, "before")
				first := request()
				wantKeyed(t, tp, "k", false, first...)
				if after := life.end(t, fs, b, tp); after != nil {
					b = engine(t, after, config)
					tp = topicOf(t, b, "t")
				}
				before := [2]int64{high(t, tp, 0), high(t, tp, 1)}
				wantReused(t, tp, "k", part(0, "a", "b"))
				wantReused(t, tp, "k", part(0, "a", "b", "b"), part(1, "c"))
				wantReused(t, tp, "k", part(0, "a", "x"), part(1, "c")) // also where nothing is left to compare it with
				if !life.compared {
					wantReused(t, tp, "k", append(request(), part(2, "d"))...) // of which the log has all that it can have
				}
				for range 2 {
					again := request()
					again[1].Batch.ShiftTimestamps(77) // the broker's own, which is another one by now
					wantKeyed(t, tp, "k", true, again...)
					for i := range again {
						if again[i].BaseOffset != first[i].BaseOffset || again[i].Timestamp != first[i].Timestamp {
							t.Errorf("part %d: at %d, %d, was at %d, %d", i, again[i].BaseOffset, again[i].Timestamp,
								first[i].BaseOffset, first[i].Timestamp)
						}
					}
				}
				wantReused(t, tp, "k", part(0, "a", "x"), part(1, "c")) // known for certain by now
				if after := [2]int64{high(t, tp, 0), high(t, tp, 1)}; after != before {
					t.Errorf("the log ends at %v, and ended at %v", after, before)
				}
			})
		}
	}
}

// After a power cut and retention nothing tells another request from the first one, if it has as many records: it stores
// nothing, and the first one is not refused because of it.
func TestKeyThatCannotBeComparedIsNotLearned(t *testing.T) {
	config := Config{SegmentBytes: 2 << 10}
	fs := segmenttest.New()
	tp := makeTopic(t, engine(t, fs, config), "t", 2)
	mustPut(t, tp, 0, "before")
	wantKeyed(t, tp, "k", false, part(0, "a", "b"), part(1, "c"))
	after := without(fs.Kill(), ".keynotes")
	b := engine(t, after, config)
	tp = topicOf(t, b, "t")
	trimmed(goesOn)(t, after, b, tp)
	before := high(t, tp, 0)
	wantKeyed(t, tp, "k", true, part(0, "x", "y"), part(1, "z"))
	wantKeyed(t, tp, "k", true, part(0, "a", "b"), part(1, "c"))
	wantReused(t, tp, "k", part(0, "a"), part(1, "c"))
	if got := high(t, tp, 0); got != before {
		t.Errorf("the log ends at %d, and ended at %d", got, before)
	}
}

func high(t *testing.T, tp *topic, partition int) int64 {
	t.Helper()
	s, err := tp.Stats(context.Background(), partition)
	if err != nil {
		t.Fatal(err)
	}
	return s.HighWatermark
}

// After a power cut a request is compared with the log in all that its client gave.
func TestKeyIsComparedWithTheLog(t *testing.T) {
	given := func(millis int64, values ...string) broker.Part { return brokertest.Part(0, millis, values...) }
	header := func(value string) broker.Part {
		p := given(5, "a")
		p.Batch = withHeader(value)
		return p
	}
	for _, row := range []struct {
		what         string
		first, again broker.Part
		clock        int64
		same         bool
	}{
		{what: "the same", first: given(5, "a", "b"), again: given(5, "a", "b"), same: true},
		{what: "another order", first: given(5, "a", "b"), again: given(5, "b", "a")},
		{what: "fewer", first: given(5, "a", "b"), again: given(5, "a")},
		{what: "more", first: given(5, "a"), again: given(5, "a", "b")},
		{what: "another timestamp", first: given(5, "a"), again: given(6, "a")},
		{what: "another timestamp of the broker's", first: given(5, "a"), again: given(6, "a"), clock: 6, same: true},
		{what: "a null key", first: given(5, "a"), again: part(0, "a")},
		{what: "the same header", first: header("x"), again: header("x"), same: true},
		{what: "another header", first: header("x"), again: header("y")},
		{what: "as batches", first: given(5, "a", "b"), again: brokertest.Batches(0, 5, "a", "b")},
		{what: "batches", first: brokertest.Batches(0, 5, "a", "b"), again: brokertest.Batches(0, 5, "a", "b"), same: true},
		{what: "other batches", first: brokertest.Batches(0, 5, "a", "b"), again: brokertest.Batches(0, 5, "a", "c")},
	} {
		fs := segmenttest.New()
		tp := makeTopic(t, engine(t, fs, Config{}), "t", 2)
		wantKeyed(t, tp, "k", false, row.first)
		tp = topicOf(t, engine(t, without(fs.Kill(), ".keynotes"), Config{}), "t")
		replayed, err := tryKeyedAt(tp, "k", row.clock, row.again)
		if row.same && (!replayed || err != nil) || !row.same && !errors.Is(err, broker.ErrKeyReused) {
			t.Errorf("%s: replayed %v, %v", row.what, replayed, err)
		}
		wantReused(t, tp, "k", part(1, "elsewhere"))
	}
}

// The bound refuses new keys, and nobody is forgotten for it; ten minutes after its last use a key is free again.
func TestKeysBoundAndWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{MaxKeys: 4})
		tp, other := makeTopic(t, b, "t", 2), makeTopic(t, b, "other", 1)
		full := func(what string) {
			t.Helper()
			var limit *broker.LimitError
			_, err := tryKeyed(tp, "one more", part(0, "x"))
			if !errors.Is(err, broker.ErrTooManyKeys) || !errors.As(err, &limit) || limit.Limit != 4 {
				t.Fatalf("%s: %v", what, err)
			}
		}
		both := func() []broker.Part { return []broker.Part{part(0, "a"), part(1, "b")} }
		wantKeyed(t, tp, "both", false, both()...) // counts for two
		wantKeyed(t, tp, "early", false, part(0, "c"))
		wantKeyed(t, other, "early", false, part(0, "d"))
		full("four of four")
		time.Sleep(6 * time.Minute)
		wantKeyed(t, tp, "both", true, both()...)
		wantKeyed(t, tp, "early", true, part(0, "c"))
		time.Sleep(3*time.Minute + 50*time.Second)
		full("just before")
		wantKeyed(t, tp, "early", true, part(0, "c"))
		wantKeyed(t, other, "early", true, part(0, "d"))
		time.Sleep(6*time.Minute + 11*time.Second) // ten minutes after both was used, and not the others
		wantKeyed(t, tp, "fourth", false, part(0, "e"))
		wantKeyed(t, tp, "fifth", false, part(0, "f"))
		full("four of four again")
		wantKeyed(t, tp, "early", true, part(0, "c"))
		if err := b.DeleteTopic(context.Background(), "other"); err != nil {
			t.Fatal(err)
		}
		wantKeyed(t, tp, "sixth", false, part(1, "g"))
		wantValues(t, tp, 0, "a", "c", "e", "f")
		time.Sleep(11 * time.Minute)
		if ids, keys := numbers(tp); ids != 0 || keys != 0 || b.keys.Load() != 0 {
			t.Errorf("ten minutes after the last: %d producers and %d keys, which count as %d", ids, keys, b.keys.Load())
		}
	})
}

// numbers asks the owners what they know.
func numbers(tp *topic) (ids, keys int) {
	for _, a := range tp.actors {
		a.ask(func() {
			i, k := a.part.Numbers()
			ids, keys = ids+i, keys+k
		})
	}
	return ids, keys
}

// Keys that a restart finds are known for another window, and count.
func TestKeysAfterRestartHaveTheirWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{MaxKeys: 2})
		tp := makeTopic(t, b, "t", 2)
		wantKeyed(t, tp, "k", false, part(0, "a"), part(1, "b"))
		b = engine(t, fs.Kill(), Config{MaxKeys: 2})
		tp = topicOf(t, b, "t")
		if _, err := tryKeyed(tp, "l", part(0, "c")); !errors.Is(err, broker.ErrTooManyKeys) {
			t.Errorf("one too many: %v", err)
		}
		time.Sleep(9*time.Minute + 55*time.Second)
		if _, err := tryKeyed(tp, "l", part(0, "c")); !errors.Is(err, broker.ErrTooManyKeys) {
			t.Errorf("before the time is up: %v", err)
		}
		time.Sleep(10 * time.Second)
		wantKeyed(t, tp, "l", false, part(0, "c"))
	})
}
