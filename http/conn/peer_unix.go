//go:build unix

package conn

import "golang.org/x/sys/unix"

// peekedEnd tells whether reading has come to the end, or to an error, without taking what waits. What waits hides the
// end: a peer that sent its next request and closed counts as being there.
func peekedEnd(fd uintptr) bool {
	one := make([]byte, 1)
	n, _, err := unix.Recvfrom(int(fd), one, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil {
		return err != unix.EAGAIN && err != unix.EINTR
	}
	return n == 0
}
