package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The narrowest limit counts, in whichever order they come; "max" is none.
func TestTheLowestMemoryLimitCounts(t *testing.T) {
	cgroup := func(limit string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "memory.max"), []byte(limit+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	none, wide, narrow := cgroup("max"), cgroup("2000"), cgroup("1000")
	for _, row := range []struct {
		dirs []string
		want int64
	}{
		{[]string{none, wide, narrow}, 1000}, {[]string{narrow, wide}, 1000}, {[]string{wide, none, "/nowhere"}, 2000},
		{[]string{none}, 0}, {nil, 0},
	} {
		if got := lowestLimit(row.dirs); got != row.want {
			t.Errorf("%q: %d instead of %d", row.dirs, got, row.want)
		}
	}
}

// Memory storage leaves half of the machine, or of the container, to everything else.
func TestMemoryStorageTakesHalf(t *testing.T) {
	if usable, got := usableMemory(), defaultMemory(); got != usable/2 {
		t.Errorf("%d of %d", got, usable)
	}
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	ram, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64) // MemTotal: N kB
	if got := usableMemory(); err != nil || got <= 0 || got > ram<<10 {
		t.Errorf("%d of %d KiB, %v", got, ram, err)
	}
}
