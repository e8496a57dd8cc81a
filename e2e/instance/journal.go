package instance

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
	"time"
)

// Journal keeps what a process writes and lets one wait for a line. Any goroutine may call it.
type Journal struct {
	mu    sync.Mutex
	more  *sync.Cond
	buf   bytes.Buffer
	ended bool
}

// NewJournal makes an empty one.
func NewJournal() *Journal {
	j := &Journal{}
	j.more = sync.NewCond(&j.mu)
	return j
}

// Write is called by the goroutine that exec.Cmd copies with.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.more.Broadcast()
	return j.buf.Write(p)
}

// End tells that nothing more will be written.
func (j *Journal) End() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = true
	j.more.Broadcast()
}

// String is all that was written so far.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// Wait waits until the whole lines written so far hold a match, and gives its first group, or all of it where it has
// none. It fails the test when the process ends without a match, or patience does.
func (j *Journal) Wait(t testing.TB, what *regexp.Regexp) string {
	t.Helper()
	text, ok := j.Find(t, what)
	if !ok {
		t.Fatalf("the process ended without logging %s:\n%s", what, j)
	}
	return text
}

// Find is Wait for a process that may end without a match: false.
func (j *Journal) Find(t testing.TB, what *regexp.Regexp) (string, bool) {
	t.Helper()
	found := make(chan []string, 1)
	go func() { found <- j.match(what) }()
	select {
	case m := <-found:
		if m == nil {
			return "", false
		}
		return m[len(m)-1], true
	case <-time.After(patience):
		t.Fatalf("the process did not log %s:\n%s", what, j)
	}
	return "", false
}

func (j *Journal) match(what *regexp.Regexp) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		whole := j.buf.Bytes()[:bytes.LastIndexByte(j.buf.Bytes(), '\n')+1]
		if m := what.FindSubmatch(whole); m != nil {
			return texts(m)
		}
		if j.ended {
			return nil
		}
		j.more.Wait()
	}
}

func texts(m [][]byte) []string {
	out := make([]string, len(m))
	for i, b := range m {
		out[i] = string(b)
	}
	return out
}

// Eventually asks again and again until the answer is yes, for at most as long as patience lasts.
func Eventually(t testing.TB, what string, yes func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !yes() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}
