//go:build !linux

package conn

// hungUp tells which peers have closed their side, and whether any has. Bytes of a next request hide the end: only Linux
// sees beyond them.
func hungUp(sockets []uintptr, closed []bool) (found bool) {
	for i, socket := range sockets {
		closed[i] = peekedEnd(socket)
		found = found || closed[i]
	}
	return found
}
