package actor

import (
	"context"
	"testing"
	"testing/synctest"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// A creation that fails anywhere, and is asked for again at once, leaves nothing that keeps the topic from working after
// the next start: not even a record of it that was written and whose sync failed.
func TestFailedCreationCanBeRepeated(t *testing.T) {
	for _, op := range []segmenttest.Op{
		segmenttest.OpCreate, segmenttest.OpWrite, segmenttest.OpSync, segmenttest.OpSyncDir, segmenttest.OpRename,
	} {
		for nth, met := 1, true; met; nth++ {
			synctest.Test(t, func(t *testing.T) {
				fs := segmenttest.New()
				b := engine(t, fs, Config{})
				before := fs.Count(op)
				fs.Fail(op, nth, errDisk)
				for range 2 {
					_, _, _ = b.CreateTopic(context.Background(), "t", broker.TopicChange{Partitions: 1}) // may fail both times
				}
				met = fs.Count(op)-before >= nth
				fs.Heal()
				_ = b.Close() // the metadata log may have failed
				b = engine(t, fs.Kill(), Config{})
				made := makeTopic(t, b, "t", 1)
				if err := put(made, 0, "x"); err != nil {
					t.Errorf("%s %d: append after the next start: %v", op, nth, err)
				}
			})
		}
	}
}
