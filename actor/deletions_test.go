package actor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// deleted makes a topic of two partitions, deletes it, and gives its id.
func deleted(t *testing.T, b *Broker, name string) string {
	t.Helper()
	tp := makeTopic(t, b, name, 2)
	mustPut(t, tp, 0, "x")
	mustPut(t, tp, 1, "y")
	if err := b.DeleteTopic(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	return tp.id
}

func namesIn(fs *segmenttest.FS, what string) (names []string) {
	for _, name := range fs.Names("") {
		if strings.Contains(name, what) {
			names = append(names, name)
		}
	}
	return names
}

// A removal that fails is tried again until it is through, without a restart, also one whose folder could not be given
// another name. Meanwhile no topic of the name is made in it.
func TestADeletionIsTriedAgain(t *testing.T) {
	for _, op := range []segmenttest.Op{segmenttest.OpRename, segmenttest.OpRemove, segmenttest.OpSyncDir} {
		for nth := 1; nth <= 4; nth++ {
			synctest.Test(t, func(t *testing.T) {
				fs := segmenttest.New()
				b := engine(t, fs, Config{})
				makeTopic(t, b, "t", 2)
				synced := fs.Count(op)
				for i := range 5 {
					fs.Fail(op, nth+i, errDisk)
				}
				if err := b.DeleteTopic(context.Background(), "t"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if len(namesIn(fs, "t-0/")) > 0 {
					if _, _, err := b.CreateTopic(context.Background(), "t", broker.TopicChange{}); !errors.Is(err, broker.ErrConflict) {
						t.Errorf("%s %d: a topic in a folder that is being removed: %v", op, nth, err)
					}
				}
				time.Sleep(time.Minute) // in the bubble's time
				if left := append(namesIn(fs, "t-0/"), namesIn(fs, deleteMark)...); len(left) > 0 {
					t.Errorf("%s %d: %q stay", op, nth, left)
				}
				if fs.Count(op)-synced >= nth && op == segmenttest.OpRemove && b.Retries().Deletions.Load() == 0 {
					t.Errorf("%s %d: nothing was counted", op, nth)
				}
				fs.Heal()
				wantValues(t, makeTopic(t, b, "t", 1), 0)
			})
		}
	}
}

// A kill at any moment of a deletion leaves nothing behind that the next start does not remove.
func TestADeletionGoesOnAtTheNextStart(t *testing.T) {
	for nth := 1; nth <= 20; nth++ {
		synctest.Test(t, func(t *testing.T) {
			fs := segmenttest.New()
			b := engine(t, fs, Config{})
			tp := makeTopic(t, b, "t", 2)
			mustPut(t, tp, 0, "x")
			fs.FailFrom(segmenttest.OpRemove, nth, errDisk)
			if err := b.DeleteTopic(context.Background(), "t"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			fs = fs.Kill()
			engine(t, fs, Config{})
			synctest.Wait()
			if left := append(namesIn(fs, "t-0"), namesIn(fs, deleteMark)...); len(left) > 0 {
				t.Errorf("kill at removal %d: %q stay", nth, left)
			}
		})
	}
}

// Only a folder whose name, topic id and the metadata log agree is the broker's to remove: what only looks like one, and
// what was put back, is told of and left.
func TestOnlyItsOwnIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		id := deleted(t, b, "t")
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		copied := "version: 0\ntopic_id: " + id + "\n"
		strangers := map[string]string{
			"my-notes-to-delete/letter": "dear", "orders-0.c4ff6a5e-delete/00000000000000000000.log": "records",
			"x-0-delete/" + metaName: copied, id + "-0-delete/letter": "not the topic's", "-0-delete/x": "y",
			"t-0/" + metaName: copied, "t-0/00000000000000000000.log": "an old copy", // put back
			id + "-1-delete/" + metaName: copied, id + "-1-delete/00000000000000000000.log": "an old copy, too",
		}
		for name, text := range strangers {
			dir, _, _ := strings.Cut(name, "/")
			if err := fs.Mkdir(dir); err != nil {
				t.Fatal(err)
			}
			fs.SetBytes(name, []byte(text))
		}
		var log bytes.Buffer
		b = engine(t, fs, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		for name, text := range strangers {
			if got := string(fs.Bytes(name)); got != text {
				t.Errorf("%s holds %q", name, got)
			}
			dir, _, _ := strings.Cut(name, "/")
			if !strings.Contains(log.String(), "left alone\" folder="+dir+"\n") {
				t.Errorf("nothing is told of %s in\n%s", dir, log.String())
			}
		}
	})
}

// A folder that took the place of a deleted one while it was going is not the topic's.
func TestAStrangerInTheWayOfADeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		makeTopic(t, b, "t", 1)
		fs.FailFrom(segmenttest.OpRename, 1, errDisk)
		fs.FailFrom(segmenttest.OpRemove, 1, syscall.EIO)
		if err := b.DeleteTopic(context.Background(), "t"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		fs.SetBytes("t-0/"+metaName, []byte("version: 0\ntopic_id: somebody\n"))
		fs.SetBytes("t-0/letter", []byte("dear"))
		fs.Heal()
		time.Sleep(time.Minute)
		if got := string(fs.Bytes("t-0/letter")); got != "dear" {
			t.Errorf("the letter is %q", got)
		}
	})
}
