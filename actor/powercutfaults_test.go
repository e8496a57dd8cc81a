package actor

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"flashq/segment/segmenttest"
)

// A start after a power cut at which a partition can't note its new leader epoch leaves it to the next start to begin
// one: that must not take the power cut for done with.
func TestNewEpochSurvivesFailedStart(t *testing.T) {
	for _, op := range []segmenttest.Op{
		segmenttest.OpCreate, segmenttest.OpOpen, segmenttest.OpWrite, segmenttest.OpSync, segmenttest.OpSyncDir,
		segmenttest.OpRename,
	} {
		for nth, met := 1, true; met; nth++ {
			synctest.Test(t, func(t *testing.T) {
				fs := segmenttest.New()
				b := engine(t, fs, Config{})
				mustPut(t, makeTopic(t, b, "t", 1), 0, "a")
				fs = fs.Kill()
				fs.SetBytes("flashq.boot", []byte("another boot"))
				before := fs.Count(op)
				fs.Fail(op, nth, errDisk)
				if b, err := Open(Config{FS: fs}); err == nil {
					_ = b.Close()
				}
				met = fs.Count(op)-before >= nth
				fs.Heal()
				b = engine(t, fs.Kill(), Config{})
				fs = b.fs.(*segmenttest.FS)
				if text := string(fs.Bytes("t-0/leader-epoch-checkpoint")); !strings.Contains(text, "\n1 1\n") {
					t.Errorf("%s %d: the epochs after a power cut and a failed start are %q", op, nth, text)
				}
				found, err := b.Topic(context.Background(), "t")
				if err != nil {
					t.Fatal(err)
				}
				mustPut(t, found.(*topic), 0, "b")
				wantValues(t, found.(*topic), 0, "a", "b")
			})
		}
	}
}

// A start that can't read the leader epochs of a partition leaves them as they are.
func TestEpochsSurviveFailedRead(t *testing.T) {
	for _, op := range []segmenttest.Op{segmenttest.OpOpen, segmenttest.OpRead} {
		for nth, met := 1, true; met; nth++ {
			synctest.Test(t, func(t *testing.T) {
				fs := segmenttest.New()
				b := engine(t, fs, Config{})
				mustPut(t, makeTopic(t, b, "t", 1), 0, "a")
				fs = fs.Kill()
				fs.SetBytes("flashq.boot", []byte("another boot"))
				b = engine(t, fs, Config{})
				found, err := b.Topic(context.Background(), "t")
				if err != nil {
					t.Fatal(err)
				}
				mustPut(t, found.(*topic), 0, "b")
				fs = fs.Kill()
				before := fs.Count(op)
				fs.Fail(op, nth, errDisk)
				if b, err := Open(Config{FS: fs}); err == nil {
					_ = b.Close()
				}
				met = fs.Count(op)-before >= nth
				if text := string(fs.Bytes("t-0/leader-epoch-checkpoint")); text != "0\n2\n0 0\n1 1\n" {
					t.Errorf("%s %d: the epochs after a failed start are %q", op, nth, text)
				}
			})
		}
	}
}
