package conn

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent tells how many bytes that were written to c its peer has not taken yet; known is false where nobody knows.
// Only a socket keeps any.
func unsent(c net.Conn) (n int, known bool) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return 0, true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, false
	}
	failed := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
	return n, err == nil && failed == nil
}
