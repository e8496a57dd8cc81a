package conn

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// What a peer has taken shows while the system still keeps the rest: only so is it seen that a slow one gets on.
func TestUnsentShowsWhatAPeerTakes(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // nobody knows there
	}
	served, client := pair(t)
	written, more := 0, make([]byte, 64<<20) // more than any buffer takes
	eventually(t, "the system keeps some", func() bool {
		// A machine that is busy may take all of this time before a byte is written.
		if err := served.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := served.Write(more)
		if written += n; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		kept, known := unsent(newPatientConn(served, new(seconds)).Conn)
		if !known || kept > written {
			t.Fatalf("%d bytes of %d are unsent, known: %v", kept, written, known)
		}
		return kept > 0
	})
	if _, err := io.CopyN(io.Discard, client, int64(written)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is sent", func() bool { n, known := unsent(served); return known && n == 0 })
}

// Who is cut off hears of it, though it has taken nothing for long.
func TestAPeerThatIsCutOffIsReset(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // it would take a minute
	}
	under, client := pair(t)
	served := newPatientConn(under, new(seconds))
	served.answers = short(t)
	if _, err := served.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := served.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, client); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("it reads on until %v", err)
	}
}

// What has come for a connection shows before anybody reads it.
func TestWaitingShowsWhatHasCome(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // nobody knows there
	}
	under, client := pair(t)
	served := newPatientConn(under, new(seconds))
	if n := Waiting(served); n != 0 {
		t.Errorf("%d bytes wait before any was sent", n)
	}
	if _, err := client.Write(make([]byte, 5000)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all wait", func() bool { return Waiting(served) == 5000 })
	if _, err := io.ReadFull(served, make([]byte, 2000)); err != nil {
		t.Fatal(err)
	}
	if n := Waiting(served); n != 3000 {
		t.Errorf("%d bytes wait, 3000 were not read", n)
	}
}
