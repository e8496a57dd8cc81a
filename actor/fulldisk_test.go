package actor

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// A broker starts on a full disk after a crash: it has everything to read, refuses writes and takes them again once there
// is room. Commits, too, whose log had no more than its folder when the room ended.
func TestStartOnFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		commit := func(b *Broker) error {
			_, err := b.Commit(context.Background(), broker.Commit{
				Group: "g", Create: true, Offsets: []broker.CommitOffset{{Topic: "t", Offset: 1}},
			})
			return err
		}
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		mustPut(t, makeTopic(t, b, "t", 1), 0, "a")
		fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
		if err := commit(b); !errors.Is(err, broker.ErrDiskFull) {
			t.Fatalf("commit on a full disk: %v", err)
		}
		fs = fs.Kill()
		fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
		b = engine(t, fs, Config{})
		found, err := b.Topic(context.Background(), "t")
		if err != nil {
			t.Fatal(err)
		}
		tp := found.(*topic)
		wantValues(t, tp, 0, "a")
		if err := put(tp, 0, "no room"); !errors.Is(err, broker.ErrDiskFull) {
			t.Errorf("append on a full disk: %v", err)
		}
		if err := commit(b); !errors.Is(err, broker.ErrDiskFull) {
			t.Errorf("commit on a full disk: %v", err)
		}
		fs.Heal()
		mustPut(t, tp, 0, "b")
		if err := commit(b); err != nil {
			t.Errorf("commit with room again: %v", err)
		}
	})
}
