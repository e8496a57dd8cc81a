package actor

import (
	"strings"
	"testing"
	"time"

	"flashq/segment/segmenttest"
)

// A lot that was written is synced before the interval is over: a segment's last sync, which holds appends up, has
// little left to do then.
func TestMuchIsSyncedEarly(t *testing.T) {
	fs := segmenttest.New()
	synced := newGate(fs, segmenttest.OpSync)
	close(synced.open)
	b := engine(t, fs, Config{FsyncInterval: 1 << 40})
	tp := makeTopic(t, b, "t", 1)
	for len(synced.entered) > 0 { // those of making it
		<-synced.entered
	}
	value := strings.Repeat("v", 1<<20)
	for range syncAhead>>20 - 1 {
		mustPut(t, tp, 0, value)
	}
	if n := len(synced.entered); n > 0 {
		t.Fatalf("%d syncs before there was much", n)
	}
	mustPut(t, tp, 0, value)
	select {
	case name := <-synced.entered:
		if !strings.HasSuffix(name, ".log") {
			t.Errorf("%s was synced", name)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing was synced")
	}
}
