//go:build unix

package conn

import (
	"io"
	"net"
	"syscall"
	"testing"
)

// What systems other than Linux ask must say the same, but for an end that a next request hides.
func TestPeekingSeesAClosedPeer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	served, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	raw, err := served.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ended := func() (end bool) {
		if err := raw.Control(func(fd uintptr) { end = peekedEnd(fd) }); err != nil {
			t.Fatal(err)
		}
		return end
	}
	if ended() {
		t.Error("a peer that says nothing counts as gone")
	}
	if _, err := io.WriteString(client, "G"); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if ended() {
		t.Error("a request that waits to be read counts as an end")
	}
	if n, err := served.Read(make([]byte, 2)); n != 1 || err != nil {
		t.Fatal(n, err, "peeking took what waited")
	}
	eventually(t, "the end is seen", ended)
}

// Behind the last words of TLS waits the end, which a peek does not see.
func TestPeekingSeesTheEndOfTLS(t *testing.T) {
	for name, version := range versions {
		served, client := securePair(t, version)
		socket, ok := socketOf(served)
		if !ok {
			t.Fatal("no socket")
		}
		if peekedEnd(socket) {
			t.Errorf("%s: a peer that says nothing counts as gone", name)
		}
		if _, err := io.WriteString(client, "GET / HTTP/1.1\r\n"); err != nil {
			t.Fatal(err)
		}
		if peekedEnd(socket) {
			t.Errorf("%s: a request counts as an end", name)
		}
		if n, err := served.Read(make([]byte, 100)); n != 16 || err != nil {
			t.Fatal(n, err)
		}
		if err := client.CloseWrite(); err != nil { // the words alone
			t.Fatal(err)
		}
		eventually(t, name+": the end is seen", func() bool { return peekedEnd(socket) })
	}
}
