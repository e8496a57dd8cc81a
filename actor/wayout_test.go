package actor

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// fill leaves no block on the disk that is not somebody's already.
func fill(fs *segmenttest.FS) {
	fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
	fs.FailFrom(segmenttest.OpReserve, 1, syscall.ENOSPC)
}

// What frees room works on a disk without any, whatever was changed before, also after a restart there, and also where
// the metadata log would have to roll. What frees none is refused then.
func TestWhatFreesRoomAlwaysWorks(t *testing.T) {
	for _, rollFrom := range []int64{metaSegmentBytes, 1} {
		synctest.Test(t, func(t *testing.T) {
			const topics = 20
			change := func(b *Broker, name string, ms, bytes int64) error {
				_, _, err := b.CreateTopic(context.Background(), name, broker.TopicChange{RetentionMs: &ms, RetentionBytes: &bytes})
				return err
			}
			fs := segmenttest.New()
			b := engine(t, fs, Config{})
			for i := range topics {
				mustPut(t, makeTopic(t, b, fmt.Sprintf("t%d", i), 1), 0, "x")
			}
			time.Sleep(2 * time.Second) // in the bubble's time: synced
			fs = fs.Crash(nil)          // nothing is reserved any more
			b = engine(t, fs, Config{}) // before anybody changes anything
			b.meta.ask(func() { b.meta.compactFrom(rollFrom) })
			fill(fs)
			next, bytes := 0, int64(1e9)
			for round := range 2 {
				var err error
				for i := 0; err == nil && i < 10_000; i++ { // an ordinary day
					err = change(b, "t0", int64(1e9+i), -1)
				}
				if !errors.Is(err, broker.ErrDiskFull) {
					t.Fatalf("changes that free nothing: %v", err)
				}
				if !errors.Is(b.Ready(), broker.ErrDiskFull) {
					t.Errorf("ready: %v", b.Ready())
				}
				if _, _, err := b.CreateTopic(context.Background(), "new", broker.TopicChange{}); !errors.Is(err, broker.ErrDiskFull) {
					t.Errorf("a new topic: %v", err)
				}
				smaller := 0
				for err = nil; err == nil && smaller < 10_000; smaller++ {
					if err = change(b, "t0", 1e8, bytes-1); err == nil {
						bytes--
					}
				}
				if round == 0 && smaller < 50 || !errors.Is(err, broker.ErrDiskFull) {
					t.Errorf("smaller bound %d: %v", smaller, err)
				}
				for range topics/2 - 1 {
					next++
					if err := b.DeleteTopic(context.Background(), fmt.Sprintf("t%d", next)); err != nil {
						t.Fatalf("deletion %d: %v", next, err)
					}
				}
				synctest.Wait()
				fs = fs.Kill()
				fill(fs)
				b = engine(t, fs, Config{})
				synctest.Wait()
				b.meta.ask(func() { b.meta.compactFrom(rollFrom) })
			}
			if n := b.topics.Size(); n != topics-next {
				t.Errorf("%d topics are left of %d", n, topics-next)
			}
			if c := topicOf(t, b, "t0").Config(); c.RetentionMs != 1e8 || c.RetentionBytes != bytes {
				t.Errorf("t0 is %+v", c)
			}
			fs.Heal()
			time.Sleep(time.Minute) // in the bubble's time
			if err := change(b, "t0", 2e9, -1); err != nil {
				t.Errorf("a change with room again: %v", err)
			}
		})
	}
}
