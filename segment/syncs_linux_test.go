package segment

import (
	"bytes"
	"testing"
)

// What the page cache has is read without a turn, and right, also where the cache has the front part alone.
func TestCachedReadsNeedNoTurn(t *testing.T) {
	disk, err := NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fs := disk.Within(Limits{Reads: 1})
	f, err := fs.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := bytes.Repeat([]byte("0123456789"), 10_000)
	if _, err := f.WriteAt(want, 0); err != nil {
		t.Fatal(err)
	}
	if readCached(f.(*osFile).File, make([]byte, 1), 0) == 0 {
		return // a file system that can't tell: each read takes a turn
	}
	fs.reads <- struct{}{} // nobody else may read from the disk
	got := make([]byte, len(want)-7)
	if n, err := f.ReadAt(got, 7); n != len(got) || err != nil || !bytes.Equal(got, want[7:]) {
		t.Errorf("read %d of %d: %v", n, len(got), err)
	}
}

// A temporary folder's file system is synced whole, or by file: either way the answer is the kernel's.
func TestSyncfs(t *testing.T) {
	disk, err := NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := disk.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	whole := disk.syncs.whole
	if whole == (noWholeSync{}) {
		return
	}
	if !whole.covers(f.(*osFile).File) || !whole.coversName(disk.path("")) || whole.coversName("/proc") {
		t.Error("it covers the wrong files")
	}
	if err := whole.sync(); err != nil {
		t.Error(err)
	}
}
