package actor

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"flashq/segment/segmenttest"
)

// What kill -9 left in the kernel's memory is shown after the next start, so a power cut must not take it any more: of
// records, of commits and of topics.
func TestWhatIsFoundIsDurable(t *testing.T) {
	for _, fsync := range []Fsync{FsyncAlways, FsyncInterval} {
		fs := segmenttest.New()
		b := engine(t, fs, Config{FsyncInterval: 1 << 40}) // nothing is synced by itself
		mustPut(t, makeTopic(t, b, "t", 1), 0, "a", "b")
		commit(t, b, "g", "t", 0, 2)
		b = engine(t, fs.Kill(), Config{Fsync: fsync})
		wantValues(t, topicOf(t, b, "t"), 0, "a", "b")
		fs = b.fs.(*segmenttest.FS).Crash(nil)
		b = engine(t, fs, Config{})
		wantValues(t, topicOf(t, b, "t"), 0, "a", "b")
		if g, err := b.Group(context.Background(), "g", ""); err != nil || g.Offsets[0].Offset != 2 {
			t.Errorf("%+v %v", g, err)
		}
	}
}

// That a start could not write what it has to is said, and only then.
func TestAStartWithoutRoomIsTold(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{})
	mustPut(t, makeTopic(t, b, "t", 1), 0, "a")
	fs = fs.Kill()
	for _, full := range []bool{false, true} {
		var said bytes.Buffer
		fs.SetBytes("t-0/00000000000000000000.log", append(fs.Bytes("t-0/00000000000000000000.log"), "torn"...))
		if full {
			fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
		}
		engine(t, fs, Config{Logger: slog.New(slog.NewTextHandler(&said, nil))})
		if told := strings.Contains(said.String(), "no room for what recovery has to write"); told != full {
			t.Errorf("full %v: it says %s", full, said.String())
		}
		fs = fs.Kill()
	}
}
