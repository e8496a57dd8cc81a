package actor

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment/segmenttest"
)

// sent is a request: what it says is what its client sent, which the log alone can't tell.
type sent struct {
	says  string
	parts []broker.Part
}

func (s sent) to(tp *topic) (replayed bool, err error) {
	return brokertest.Keyed(tp, "k", s.says, s.parts...)
}

// After kill -9 a key stands for the request that it stood for, and for no other that the log could be taken for.
func TestKeyIsExactAfterKill(t *testing.T) {
	at := brokertest.Part
	for _, row := range []struct {
		what                  string
		first, other, genuine func() sent
		half                  bool // of the first nothing but partition 0 was stored
	}{
		{
			what:    "more partitions",
			first:   func() sent { return sent{"A0", []broker.Part{at(0, 5, "A")}} },
			other:   func() sent { return sent{"A0 D1", []broker.Part{at(0, 5, "A"), at(1, 5, "D")}} },
			genuine: func() sent { return sent{"A0", []broker.Part{at(0, 5, "A")}} },
		},
		{
			what:    "another order over partitions",
			first:   func() sent { return sent{"A0 B1 C0", []broker.Part{at(0, 5, "A", "C"), at(1, 5, "B")}} },
			other:   func() sent { return sent{"A0 C0 B1", []broker.Part{at(0, 5, "A", "C"), at(1, 5, "B")}} },
			genuine: func() sent { return sent{"A0 B1 C0", []broker.Part{at(0, 5, "A", "C"), at(1, 5, "B")}} },
		},
		{
			what:    "half-stored",
			first:   func() sent { return sent{"A0 C1", []broker.Part{at(0, 5, "A"), at(1, 5, "C")}} },
			other:   func() sent { return sent{"A0", []broker.Part{at(0, 5, "A")}} },
			genuine: func() sent { return sent{"A0 C1", []broker.Part{at(0, 5, "A"), at(1, 5, "C")}} },
			half:    true,
		},
		{
			what:    "a timestamp that is relative",
			first:   func() sent { return sent{"A0 -15m", []broker.Part{at(0, 1_000, "A")}} },
			other:   func() sent { return sent{"A0", []broker.Part{at(0, 1_000, "A")}} },
			genuine: func() sent { return sent{"A0 -15m", []broker.Part{at(0, 91_000, "A")}} },
		},
	} {
		t.Run(row.what, func(t *testing.T) {
			fs := segmenttest.New()
			tp := makeTopic(t, engine(t, fs, Config{}), "t", 2)
			if row.half {
				fs.FailNamed(segmenttest.OpWrite, "t-1/00000000000000000000.log", 1, syscall.ENOSPC)
			}
			var partial *broker.PartialError
			first := row.first()
			if _, err := first.to(tp); errors.As(err, &partial) != row.half || !row.half && err != nil {
				t.Fatal(err)
			}
			tp = topicOf(t, engine(t, fs.Kill(), Config{}), "t")
			if _, err := row.other().to(tp); !errors.Is(err, broker.ErrKeyReused) {
				t.Errorf("another request: %v", err)
			}
			for again := range 2 {
				genuine := row.genuine()
				replayed, err := genuine.to(tp)
				if err != nil || replayed != (!row.half || again > 0) {
					t.Fatalf("the same request: replayed %v, %v", replayed, err)
				}
				if got, want := genuine.parts[0], first.parts[0]; got.BaseOffset != want.BaseOffset || got.Timestamp != want.Timestamp {
					t.Errorf("answered with %d, %d; it was %d, %d", got.BaseOffset, got.Timestamp, want.BaseOffset, want.Timestamp)
				}
			}
			for i, p := range row.first().parts {
				if _, high := read(t, tp, i); high != int64(p.Batch.Count()) {
					t.Errorf("partition %d ends at %d", i, high)
				}
			}
		})
	}
}

// Notes are made for keys alone, stand beside the active segment, and go when a roll has saved what they say.
func TestNotesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{SegmentBytes: 1 << 10})
		tp := makeTopic(t, b, "t", 1)
		roll := func() {
			mustPut(t, tp, 0, strings.Repeat("x", 900))
			mustPut(t, tp, 0, strings.Repeat("x", 900))
			synctest.Wait() // it is saved beside the owner
		}
		roll()
		if names := fs.Names(".keynotes"); len(names) > 0 {
			t.Errorf("without any key: %v", names)
		}
		wantKeyed(t, tp, "k", false, part(0, "a"))
		if names := fs.Names(".keynotes"); len(names) != 1 {
			t.Errorf("with a key: %v", names)
		}
		fs.FailNamedFrom(segmenttest.OpSync, ".keys", 1, errDisk)
		roll()
		if names := fs.Names(".keynotes"); len(names) != 1 {
			t.Errorf("before what it says is durable: %v", names)
		}
		fs.Heal()
		roll()
		if names := fs.Names(".keynotes"); len(names) > 0 {
			t.Errorf("after a roll: %v", names)
		}
		wantKeyed(t, tp, "l", false, part(0, "a"))
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b = engine(t, fs.Kill(), Config{SegmentBytes: 1 << 10})
		tp = topicOf(t, b, "t")
		wantKeyed(t, tp, "l", true, part(0, "a"))
		wantReused(t, tp, "k", part(0, "other"))
	})
}

// A note that can't be written costs no write, and is told once a segment.
func TestNotesThatCantBeWritten(t *testing.T) {
	for _, err := range []error{errDisk, syscall.ENOSPC} {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		tp := makeTopic(t, b, "t", 1)
		for nth := range 2 {
			fs.FailNamed(segmenttest.OpWrite, ".keynotes", nth+1, err)
		}
		for _, key := range []string{"k", "l", "m"} {
			wantKeyed(t, tp, key, false, part(0, key))
		}
		if got := b.Retries().Producers.Load(); got != 1 || b.Ready() != nil {
			t.Errorf("%v: told %d times, ready: %v", err, got, b.Ready())
		}
		after := fs.Kill()
		noted := len(after.Bytes(after.Names(".keynotes")[0])) > 0
		if noted != errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%v: later ones are noted: %v", err, noted)
		}
		tp = topicOf(t, engine(t, after, Config{}), "t")
		for _, key := range []string{"k", "l", "m"} {
			wantReused(t, tp, key, part(0, "x"))
			wantKeyed(t, tp, key, true, part(0, key))
		}
	}
}
