package conn

import (
	"net"

	"golang.org/x/sys/unix"
)

// Waiting tells how many bytes have come on c that nobody has read yet, 0 where nobody knows.
func Waiting(c net.Conn) int {
	socket, ok := socketOf(c)
	if !ok {
		return 0
	}
	n, err := unix.IoctlGetInt(int(socket), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}
