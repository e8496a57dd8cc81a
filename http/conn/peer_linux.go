package conn

import "golang.org/x/sys/unix"

// hungUp tells which peers have closed their side, be it after bytes that wait, which are the next request, and whether
// any has.
func hungUp(sockets []uintptr, closed []bool) (found bool) {
	var look [atOnce]unix.PollFd
	for i, socket := range sockets {
		look[i] = unix.PollFd{Fd: int32(socket), Events: unix.POLLRDHUP}
	}
	n, err := unix.Poll(look[:len(sockets)], 0)
	if err != nil || n == 0 { // an error of poll itself, as EINTR, tells nothing
		return false
	}
	for i := range sockets {
		closed[i] = look[i].Revents != 0
	}
	return true
}
