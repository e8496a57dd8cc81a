package segment

import (
	"os"

	"golang.org/x/sys/unix"
)

// Preallocate implements Preallocator.
func (f *osFile) Preallocate(off, n int64) error {
	defer in(f.fs.calls)()
	return os.NewSyscallError("fallocate", unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, off, n))
}

// Room implements RoomTeller.
func (o OS) Room() (int64, error) {
	defer in(o.calls)()
	var st unix.Statfs_t
	if err := unix.Statfs(o.root, &st); err != nil {
		return 0, os.NewSyscallError("statfs", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // narrower on some processors
}
