package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// lookAtPipe tells how a pipe, or a socket that stands for one, is doing; ok is false for everything else.
func lookAtPipe(f *os.File) (state pipeState, ok bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return state, false
	}
	err = raw.Control(func(fd uintptr) { state, ok = lookAtDescriptor(int(fd)) })
	return state, ok && err == nil
}

func lookAtDescriptor(fd int) (state pipeState, ok bool) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return state, false
	}
	var question uint
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		question = unix.TIOCINQ // FIONREAD: what is in a pipe, whichever end asks
	case unix.S_IFSOCK:
		question = unix.TIOCOUTQ // SIOCOUTQ: what the peer has not taken
	default:
		return state, false
	}
	ends := []unix.PollFd{{Fd: int32(fd)}} // errors and hang-ups are told unasked
	if _, err := unix.Poll(ends, 0); err != nil {
		return pipeState{unread: 1}, true // it was interrupted: look again
	}
	unread, err := unix.IoctlGetInt(fd, question) // last: what a reader takes before it leaves, it has taken
	state.unread = unread
	state.gone = ends[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
	return state, err == nil
}
