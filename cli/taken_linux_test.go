package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A pipe's writer learns whether what it wrote was read, and whether anybody will.
func TestWhatIsWrittenIsTakenWhenItWasRead(t *testing.T) {
	for name, row := range map[string]struct {
		counted bool
		reader  func(r *os.File)
		want    error
	}{
		"all of it":            {false, func(r *os.File) { read(r, 10) }, nil},
		"in pieces":            {false, func(r *os.File) { read(r, 3); read(r, 7) }, nil},
		"nothing":              {false, func(r *os.File) { r.Close() }, errPipe},
		"a part":               {false, func(r *os.File) { read(r, 9); r.Close() }, errPipe},
		"all, and it leaves":   {false, func(r *os.File) { read(r, 10); r.Close() }, errPipe},
		"all that was wanted":  {true, func(r *os.File) { read(r, 10); r.Close() }, nil},
		"less than was wanted": {true, func(r *os.File) { read(r, 9); r.Close() }, errPipe},
	} {
		t.Run(name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			defer r.Close()
			if _, err := w.WriteString("ten bytes."); err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() { defer close(done); row.reader(r) }()
			if err := taken(t.Context(), w, row.counted); !errors.Is(err, row.want) {
				t.Errorf("%v instead of %v", err, row.want)
			}
			<-done
		})
	}
}

func read(r io.Reader, n int) { _, _ = io.ReadFull(r, make([]byte, n)) } // what is missing shows in the result

// A signal does not wait for a reader that sleeps.
func TestTheWaitForAReaderEnds(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	if _, err := w.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := taken(ctx, w, false); !errors.Is(err, errUntaken) {
		t.Error(err)
	}
}

// Some shells make their pipes of sockets.
func TestASocketIsAPipeToo(t *testing.T) {
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: t.TempDir() + "/s", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err := net.DialUnix("unix", nil, ln.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	w, err := near.File()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.WriteString("ten bytes."); err != nil {
		t.Fatal(err)
	}
	go read(far, 10)
	if err := taken(t.Context(), w, false); err != nil {
		t.Error(err)
	}
	if _, err := w.WriteString("more"); err != nil {
		t.Fatal(err)
	}
	far.Close()
	if err := taken(t.Context(), w, false); !errors.Is(err, errPipe) {
		t.Error(err)
	}
}

// A file, or what is no file, has nobody who could leave it.
func TestWhatIsNoPipeIsTakenAtOnce(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.Writer{f, &bytes.Buffer{}} {
		if err := taken(t.Context(), w, false); err != nil {
			t.Error(err)
		}
	}
}
