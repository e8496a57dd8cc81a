package actor

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// A start on a full disk serves all that is there, whatever it finds to mend. It takes no append before what it owes is
// on the disk, and mends it by itself when there is room. A stop before that leaves it to the next start.
func TestStartReadsWithoutWriting(t *testing.T) {
	const torn = "\x00\x00\x00\x00\x00\x00\x00\x02torn"
	tail := func(fs *segmenttest.FS, dir string) { // of the last segment
		var last string
		for _, name := range fs.Names(".log") {
			if strings.HasPrefix(name, dir) {
				last = name
			}
		}
		fs.SetBytes(last, append(fs.Bytes(last), torn...))
	}
	remove := func(what string) func(*segmenttest.FS) {
		return func(fs *segmenttest.FS) {
			for _, name := range fs.Names(what) {
				fs.SetBytes(name, nil)
			}
		}
	}
	otherBoot := func(fs *segmenttest.FS) { fs.SetBytes(bootName, []byte("another boot")) }
	for name, spoil := range map[string]func(*segmenttest.FS){
		"torn tail":                func(fs *segmenttest.FS) { tail(fs, "t-0/") },
		"torn tail of commits":     func(fs *segmenttest.FS) { tail(fs, "__consumer_offsets") },
		"torn tail of the catalog": func(fs *segmenttest.FS) { tail(fs, metaTopic) },
		"another boot":             otherBoot,
		"torn by a power cut":      func(fs *segmenttest.FS) { tail(fs, "t-0/"); otherBoot(fs) },
		"no offset indexes":        remove(".index"),
		"no time indexes":          remove(".timeindex"),
		"no checkpoint":            remove("segments.checkpoint"),
		"no epochs":                remove("leader-epoch-checkpoint"),
		"no version":               remove("flashq.version"),
		"no boot":                  remove("flashq.boot"),
		"no topic id":              remove(metaName),
	} {
		for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT} {
			synctest.Test(t, func(t *testing.T) {
				commit := func(b *Broker, offset int64) error {
					_, err := b.Commit(context.Background(), broker.Commit{
						Group: "g", Create: true, Offsets: []broker.CommitOffset{{Topic: "t", Offset: offset}},
					})
					return err
				}
				fs := segmenttest.New()
				b := engine(t, fs, Config{SegmentBytes: 16 << 10})
				tp := makeTopic(t, b, "t", 1)
				a, c := strings.Repeat("a", 5000), strings.Repeat("c", 5000)
				for _, v := range []string{a, a, a, c} { // the last one in a second segment
					mustPut(t, tp, 0, v)
				}
				if err := commit(b, 1); err != nil {
					t.Fatal(err)
				}
				fs = fs.Kill()
				index := string(fs.Bytes("t-0/00000000000000000000.index"))
				spoil(fs)
				fs.FailFrom(segmenttest.OpWrite, 1, full)
				log := string(fs.Bytes("t-0/00000000000000000003.log"))
				for again := range 2 { // the second after a stop that is none too clean
					b = engine(t, fs, Config{})
					tp = topicOf(t, b, "t")
					wantValues(t, tp, 0, a, a, a, c)
					if g, err := b.Group(context.Background(), "g", ""); err != nil || len(g.Offsets) != 1 || g.Offsets[0].Offset != 1 {
						t.Errorf("%s: the group is %+v, %v", name, g, err)
					}
					if err := put(tp, 0, "no room"); !errors.Is(err, broker.ErrDiskFull) {
						t.Errorf("%s: append on a full disk: %v", name, err)
					}
					if !errors.Is(b.Ready(), broker.ErrDiskFull) {
						t.Errorf("%s: ready: %v", name, b.Ready())
					}
					time.Sleep(5500 * time.Millisecond) // in the bubble's time; the governor does not look just now
					if got := string(fs.Bytes("t-0/00000000000000000003.log")); got != log {
						t.Errorf("%s: the log was changed", name)
					}
					owed := b.owing.Load()
					if again > 0 {
						fs.Heal() // too late to be noticed
					}
					_ = b.Close() // its indexes find no room at first
					fs.FailFrom(segmenttest.OpWrite, 1, full)
					if owed && fs.Bytes(cleanName) != nil {
						t.Errorf("%s: a clean mark, although not all is as it should be", name)
					}
				}
				b = engine(t, fs, Config{})
				tp = topicOf(t, b, "t")
				fs.Heal()
				time.Sleep(2 * time.Second) // by itself
				if b.anyOwes() || b.owing.Load() {
					t.Errorf("%s: something is still not written", name)
				}
				if string(fs.Bytes(bootName)) != bootID() || fs.Bytes(versionName) == nil {
					t.Errorf("%s: boot %q, version %q", name, fs.Bytes(bootName), fs.Bytes(versionName))
				}
				if got := string(fs.Bytes("t-0/00000000000000000000.index")); got != index || len(got) == 0 {
					t.Errorf("%s: the index is %q, and was %q", name, got, index)
				}
				mustPut(t, tp, 0, "b")
				if err := commit(b, 2); err != nil {
					t.Errorf("%s: commit with room again: %v", name, err)
				}
				if strings.HasPrefix(name, "torn") {
					if kept := fs.Names(".broken"); len(kept) != 1 || string(fs.Bytes(kept[0])) != torn {
						t.Errorf("%s: kept as %q", name, kept)
					}
				}
				b = engine(t, fs.Kill(), Config{})
				wantValues(t, topicOf(t, b, "t"), 0, a, a, a, c, "b")
				if b.Found().Damaged+b.Found().Failed > 0 || b.Found().Cut > 0 {
					t.Errorf("%s: in the end: %+v", name, b.Found())
				}
			})
		}
	}
}

// After a power cut no record gets an epoch that is not on the disk yet.
func TestNoAppendBeforeItsEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		mustPut(t, makeTopic(t, b, "t", 1), 0, "a")
		fs = fs.Kill()
		fs.SetBytes(bootName, []byte("another boot"))
		fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
		b = engine(t, fs, Config{})
		tp := topicOf(t, b, "t")
		fs.SetHook(func(op segmenttest.Op, name string) {
			if op == segmenttest.OpWrite && name == "t-0/00000000000000000000.log" &&
				!strings.Contains(string(fs.Bytes("t-0/leader-epoch-checkpoint")), "\n1 1\n") {
				t.Error("a record is written before its epoch")
			}
		})
		if err := put(tp, 0, "no room"); !errors.Is(err, broker.ErrDiskFull) {
			t.Errorf("append: %v", err)
		}
		fs.Heal()
		mustPut(t, tp, 0, "b")
		wantValues(t, tp, 0, "a", "b")
	})
}
