//go:build linux

package tracer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// strike counts calls and strikes at those that the rule says.
type strike struct {
	rule    Rule
	pid     int
	memory  *os.File     // the broker's
	failing map[int]bool // threads in a call that is to fail
	ready   bool
	counted int
	struck  int
}

// argument says where in a call's arguments its file is: a descriptor at fd, or a path at path; -1 is none.
type argument struct{ number, fd, path, flags int }

var calls = map[string]argument{
	"write":     {syscall.SYS_WRITE, 0, -1, -1},
	"pwrite64":  {syscall.SYS_PWRITE64, 0, -1, -1},
	"pread64":   {syscall.SYS_PREAD64, 0, -1, -1},
	"preadv2":   {unix.SYS_PREADV2, 0, -1, -1},
	"fdatasync": {syscall.SYS_FDATASYNC, 0, -1, -1},
	"fsync":     {syscall.SYS_FSYNC, 0, -1, -1},
	"ftruncate": {syscall.SYS_FTRUNCATE, 0, -1, -1},
	"openat":    {syscall.SYS_OPENAT, -1, 1, 2},
	"mkdirat":   {syscall.SYS_MKDIRAT, -1, 1, -1},
	"unlinkat":  {syscall.SYS_UNLINKAT, -1, 1, -1},
	"renameat":  {syscall.SYS_RENAMEAT, -1, 1, -1},
	"renameat2": {sysRenameat2, -1, 1, -1},
}

// info is the kernel's struct ptrace_syscall_info at a call's entry.
type info struct {
	op    uint8
	_     [3]uint8
	arch  uint32
	ip    uint64
	sp    uint64
	nr    uint64
	args  [6]uint64
	spare [2]uint64
}

const (
	getSyscallInfo = 0x420e // PTRACE_GET_SYSCALL_INFO
	opEntry        = 1
	opExit         = 2
)

func (s *strike) open() {
	s.memory, _ = os.Open(fmt.Sprintf("/proc/%d/mem", s.pid)) // without it no path is known: a rule with one never strikes
}

// call is told of each entry to a system call and each return from one.
func (s *strike) call(tid int) error {
	var i info
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, getSyscallInfo, uintptr(tid), unsafe.Sizeof(i),
		uintptr(unsafe.Pointer(&i)), 0, 0)
	switch {
	case errno == syscall.ESRCH: // killed meanwhile
		return nil
	case errno != 0:
		return fmt.Errorf("ptrace: system call: %w", errno)
	case i.op == opExit && s.failing[tid]:
		delete(s.failing, tid)
		return gone(setResult(tid, s.rule.Errno))
	case i.op == opEntry && s.counts(&i):
		s.counted++
		if s.strikes() {
			s.struck++
			return s.hit(tid)
		}
	}
	return nil
}

func (s *strike) strikes() bool {
	return s.rule.From > 0 && s.counted >= s.rule.From && s.counted < s.rule.From+max(s.rule.Times, 1)
}

func (s *strike) hit(tid int) error {
	if s.rule.Errno == 0 {
		return syscall.Kill(s.pid, syscall.SIGKILL)
	}
	s.failing[tid] = true
	return gone(skipCall(tid))
}

// gone makes nothing of a thread that is not there any more.
func gone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// counts tells whether the rule means this call.
func (s *strike) counts(i *info) bool {
	if !s.ready {
		if s.rule.Ready != "" {
			if _, err := os.Stat(s.rule.Ready); err != nil {
				return false
			}
		}
		s.ready = true
	}
	for name, a := range calls {
		if uint64(a.number) != i.nr || !slices.Contains(s.rule.Calls, name) {
			continue
		}
		if name == "openat" && s.rule.Create && i.args[a.flags]&syscall.O_CREAT == 0 {
			return false
		}
		if s.rule.Path == "" && s.rule.Suffix == "" {
			return true
		}
		path := s.file(a, i)
		return strings.Contains(path, s.rule.Path) && strings.HasSuffix(path, s.rule.Suffix) &&
			!slices.ContainsFunc(s.rule.Not, func(not string) bool { return strings.Contains(path, not) })
	}
	return false
}

// file is the path that a call is about, as far as it says.
func (s *strike) file(a argument, i *info) string {
	if a.fd >= 0 {
		path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", s.pid, i.args[a.fd]))
		return path
	}
	buf := make([]byte, 4096)
	n, _ := s.memory.ReadAt(buf, int64(i.args[a.path])) // ends early where the broker's memory does
	path, _, _ := bytes.Cut(buf[:n], []byte{0})
	return string(path)
}
