package drive

import (
	"time"

	"golang.org/x/sys/windows"
)

// ProcessCPU is the user and system time that a process has used; pid 0 is this process. ok is false where there is no
// such process, or it is somebody else's.
func ProcessCPU(pid int) (used time.Duration, ok bool) {
	process := windows.CurrentProcess()
	if pid != 0 {
		var err error
		if process, err = windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid)); err != nil {
			return 0, false
		}
		defer func() { _ = windows.CloseHandle(process) }() // it was only asked
	}
	var created, exited, kernel, user windows.Filetime
	if windows.GetProcessTimes(process, &created, &exited, &kernel, &user) != nil {
		return 0, false
	}
	return span(kernel) + span(user), true
}

// span is a length of time: a Filetime is one in units of 100 ns, and its own method takes it for a date.
func span(t windows.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
