package actor

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/partition"
	"flashq/segment/segmenttest"
)

// What could not be stored or removed is tried again, in this run and in the next.
func TestRetentionTriesAgain(t *testing.T) {
	for _, op := range []segmenttest.Op{segmenttest.OpRename, segmenttest.OpRemove} {
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{SegmentBytes: 1 << 10})
			tp := makeTopic(t, b, "t", 1)
			steps(t, tp, 6)
			fs.FailFrom(op, 1, errDisk)
			keep(t, b, "t", 2000)
			time.Sleep(time.Minute)
			fs = fs.Kill() // without faults
			left := len(fs.Names(".log"))
			fs.FailFrom(op, 1, errDisk)
			again := engine(t, fs, Config{SegmentBytes: 1 << 10})
			fs.Heal()
			time.Sleep(time.Minute)
			wantFirst(t, fs, topicOf(t, again, "t"), fmt.Sprint(op, " at the next start"))
			if left < 6 {
				t.Errorf("%s: the fault did nothing", op)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{SegmentBytes: 1 << 10})
			tp := makeTopic(t, b, "t", 1)
			steps(t, tp, 6)
			fs.FailFrom(op, 1, errDisk)
			keep(t, b, "t", 2000)
			steps(t, tp, 2) // a roll is no try
			fs.Heal()
			time.Sleep(time.Minute)
			wantFirst(t, fs, tp, fmt.Sprint(op, " in this run"))
		})
	}
}

// wantFirst wants the first file of a topic to be its earliest record's, and retention to have taken something.
func wantFirst(t *testing.T, fs *segmenttest.FS, tp *topic, what string) {
	t.Helper()
	start := earliest(t, tp, 0)
	for _, suffix := range []string{".log", ".index", ".timeindex"} {
		for _, name := range fs.Names(suffix) {
			if strings.HasPrefix(name, "t-0/") && (name < fmt.Sprintf("t-0/%020d", start) || start == 0) {
				t.Errorf("%s: %s is there, earliest is %d", what, name, start)
			}
		}
	}
}

// On a disk so full that not even the new start can be stored, retention frees room all the same, and nothing comes back.
func TestRetentionFreesAFullDisk(t *testing.T) {
	for failing := range 12 { // the first removal that fails; 0: none
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{SegmentBytes: 1 << 10})
			tp := makeTopic(t, b, "t", 1)
			steps(t, tp, 8)
			fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
			if failing > 0 {
				fs.FailFrom(segmenttest.OpRemove, failing, errDisk)
			}
			a := tp.actors[0]
			a.ask(func() {
				a.part.SetRetention(partition.Retention{Ms: -1, Bytes: 3000, SegmentBytes: 1 << 10})
				a.expire()
			})
			b.owners.starts.flush()
			synctest.Wait()
			seen := earliest(t, tp, 0)
			for i, disk := range []*segmenttest.FS{fs.Kill(), fs.Crash(nil)} {
				if start := earliest(t, topicOf(t, engine(t, disk, Config{SegmentBytes: 1 << 10}), "t"), 0); start < seen {
					t.Errorf("removal %d fails, disk %d: earliest was %d, is %d", failing, i, seen, start)
				}
			}
			fs.Heal()
			fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
			time.Sleep(time.Minute)
			if got, _ := read(t, tp, 0); len(got) != 3 || earliest(t, tp, 0) != 5 || failing == 0 && seen != 5 {
				t.Errorf("removal %d fails: %d records from %d, at first from %d", failing, len(got), earliest(t, tp, 0), seen)
			}
			wantFirst(t, fs, tp, fmt.Sprint("removal ", failing))
		})
	}
}

// A topic that fills up lets go as it rolls, not only when somebody looks.
func TestRetentionTakesEffectAtEachRoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t, segmenttest.New(), Config{SegmentBytes: 1 << 10, RetentionCheck: time.Hour})
		tp := makeTopic(t, b, "t", 1)
		keep(t, b, "t", 2000)
		steps(t, tp, 9)
		if s, _ := tp.Stats(context.Background(), 0); s.Bytes > 4000 {
			t.Errorf("%+v", s)
		}
	})
}
