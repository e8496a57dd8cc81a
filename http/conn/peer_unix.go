//go:build unix

package conn

import "golang.org/x/sys/unix"

// peekedEnd tells whether reading has come to the end, or to an error, without taking what waits. What waits hides the
// end: a peer that sent its next request and closed counts as being there. The last words of TLS don't.
func peekedEnd(fd uintptr) bool {
	first := make([]byte, recordHead)
	n, _, err := unix.Recvfrom(int(fd), first, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil {
		return err != unix.EAGAIN && err != unix.EINTR
	}
	return n == 0 || isFarewell(first[:n])
}

// recordHead is the size of what stands before each record of TLS: its type, the version and a length.
const recordHead = 5

// isFarewell tells whether a record that begins so ends a connection: an alert, which TLS 1.3 hides among the data, but
// no request is as short. A request that is not encrypted begins with a letter.
func isFarewell(record []byte) bool {
	const (
		alert, data = 21, 23
		hidden      = 3 + 16 // level, description, the type; and what authenticates them
	)
	return len(record) == recordHead &&
		(record[0] == alert || record[0] == data && record[3] == 0 && record[4] == hidden)
}
