//go:build unix

package http

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe that nobody reads is an error, at the start and after a SIGHUP: a log that waits for a reader would keep the
// broker waiting. With a reader it is a log.
func TestAccessLogOnAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 1)
	go func() {
		_, err := OpenAccessLog(path, nil, jsonLog(io.Discard))
		refused <- err
	}()
	select {
	case err := <-refused:
		if err == nil || !strings.Contains(err.Error(), path+" is a pipe that nobody reads yet") {
			t.Fatalf("without a reader: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a reader")
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	var told written
	log, err := OpenAccessLog(path, nil, jsonLog(&told))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	_, _ = log.Write([]byte("one\n"))
	if line, err := bufio.NewReader(reader).ReadString('\n'); line != "one\n" {
		t.Errorf("%q %v", line, err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	log.Reopen()
	eventually(t, "the log is told", func() bool { return len(told.lines(t, "the access log goes on in its old file")) == 1 })
}
