package segment

import (
	"os"

	"golang.org/x/sys/unix"
)

// Preallocate implements Preallocator.
func (f *osFile) Preallocate(off, n int64) error {
	defer in(f.turns.calls)()
	return os.NewSyscallError("fallocate", unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, off, n))
}
