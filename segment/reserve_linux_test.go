package segment

import (
	"syscall"
	"testing"
)

// What was reserved has blocks on the disk, and the file's size stays.
func TestReserve(t *testing.T) {
	disk, err := NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.Mkdir("t-0"); err != nil {
		t.Fatal(err)
	}
	l, _, err := Open(Config{FS: disk, Dir: "t-0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(false)
	if err := l.Reserve(100 << 10); err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(disk.path("t-0/00000000000000000000.log"), &st); err != nil {
		t.Fatal(err)
	}
	if l.active.reserved < 1<<62 && st.Blocks*512 < 100<<10 || st.Size != 0 {
		t.Errorf("%d bytes, %d blocks", st.Size, st.Blocks)
	}
}
