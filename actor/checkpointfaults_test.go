package actor

import (
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"flashq/segment/segmenttest"
)

// A checkpoint is a cache: one that can't be written keeps no partition from going on, and the next one has all.
func TestACheckpointIsTriedAgain(t *testing.T) {
	for _, err := range []error{errDisk, syscall.ENOSPC, syscall.EMFILE} {
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{Fsync: FsyncAlways, SegmentBytes: 1 << 10})
			tp := makeTopic(t, b, "t", 1)
			const name = "t-0/segments.checkpoint"
			creates := 0 // .index, .timeindex, then the checkpoint
			fs.SetHook(func(op segmenttest.Op, file string) {
				if op == segmenttest.OpCreate && strings.HasPrefix(file, "t-0/") {
					if creates++; creates == 2 {
						fs.Fail(segmenttest.OpCreate, 2, err)
					}
				}
			})
			var want []string
			for _, v := range []string{"a", "b", "c"} {
				want = append(want, strings.Repeat(v, 1000))
				mustPut(t, tp, 0, want[len(want)-1])
			}
			if n := b.Retries().Checkpoints.Load(); n != 1 {
				t.Fatalf("%d checkpoints failed", n)
			}
			if lines := strings.Count(string(fs.Bytes(name)), "\n"); lines != 2 {
				t.Errorf("%v: the checkpoint has %d lines of 2", err, lines)
			}
			wantValues(t, tp, 0, want...)
		})
	}
}
