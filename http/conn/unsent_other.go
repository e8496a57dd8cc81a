//go:build !linux

package conn

import (
	"net"
	"syscall"
)

// unsent tells how many bytes that were written to c its peer has not taken yet; known is false where nobody knows, as of
// any socket here.
func unsent(c net.Conn) (n int, known bool) {
	_, socket := c.(syscall.Conn)
	return 0, !socket
}
