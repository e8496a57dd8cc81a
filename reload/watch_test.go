package reload

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// held is a file's text as it was loaded last; a file that says "broken" can't be.
type held struct {
	file string
	run  runner
	hup  chan os.Signal

	mu   sync.Mutex
	text string
	log  bytes.Buffer
}

// Write takes a line of the log.
func (h *held) Write(line []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(line)
}

func (h *held) load() error {
	text, err := os.ReadFile(h.file)
	if err != nil {
		return err
	}
	if strings.HasPrefix(string(text), "broken") {
		return errors.New("it says " + string(text))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = string(text)
	return nil
}

func (h *held) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(h.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// watched runs a test under a fake clock, with a file that says "one" and is watched.
func watched(t *testing.T, test func(t *testing.T, h *held)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &held{file: filepath.Join(dir, "file"), hup: make(chan os.Signal, 1)}
		h.write(t, "one")
		h.run = runner{inForce: look([]string{h.file}), Watch: Watch{What: "the text", Files: []string{h.file},
			Load: h.load, Logger: slog.New(slog.NewTextHandler(h, nil)), Every: time.Second}}
		if err := h.load(); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { h.run.run(ctx, h.hup) })
		defer running.Wait()
		defer stop()
		test(t, h)
	})
}

// after lets so many seconds go by, and says what is in force then.
func (h *held) after(t *testing.T, seconds int, text string) {
	t.Helper()
	time.Sleep(time.Duration(seconds)*time.Second + time.Millisecond)
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.text != text {
		t.Errorf("after %d s %q is in force, want %q", seconds, h.text, text)
	}
}

func (h *held) logged(t *testing.T, level string, times int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := strings.Count(h.log.String(), "level="+level); n != times {
		t.Errorf("%d lines of %s, want %d:\n%s", n, level, times, h.log.String())
	}
}

func TestAChangedFileIsLoaded(t *testing.T) {
	watched(t, func(t *testing.T, h *held) {
		h.after(t, 5, "one")
		h.logged(t, "INFO", 0)
		h.write(t, "two") // as long as before, and perhaps within the tick of the file system's clock
		h.after(t, 2, "two")
		h.after(t, 60, "two")
		h.logged(t, "INFO", 1)
	})
}

func TestAFileThatIsReplacedOrLinkedIsLoaded(t *testing.T) {
	watched(t, func(t *testing.T, h *held) {
		next := h.file + ".next"
		if err := errors.Join(os.WriteFile(next, []byte("two"), 0o600), os.Rename(next, h.file)); err != nil {
			t.Fatal(err)
		}
		h.after(t, 2, "two")
		three := h.file + ".three"
		err := errors.Join(os.WriteFile(three, []byte("three"), 0o600), os.Symlink(three, next), os.Rename(next, h.file))
		if err != nil {
			t.Fatal(err)
		}
		h.after(t, 2, "three")
	})
}

func TestABrokenFileKeepsWhatWasThere(t *testing.T) {
	watched(t, func(t *testing.T, h *held) {
		h.write(t, "broken")
		h.after(t, 120, "one")
		h.logged(t, "ERROR", 1)
		h.write(t, "broken again")
		h.after(t, 120, "one")
		h.logged(t, "ERROR", 2)
		if err := os.Remove(h.file); err != nil {
			t.Fatal(err)
		}
		h.after(t, 120, "one")
		h.logged(t, "ERROR", 3)
		h.logged(t, "INFO", 0)
		h.write(t, "two")
		h.after(t, 2, "two")
		h.write(t, "broken")
		h.after(t, 2, "two")
		h.logged(t, "ERROR", 4)
	})
}

// Who writes a file takes a while, and what stands there meanwhile is not what anybody meant.
func TestAFileThatIsStillWrittenToIsNotLoaded(t *testing.T) {
	watched(t, func(t *testing.T, h *held) {
		time.Sleep(500 * time.Millisecond) // between two looks
		for n := range 10 {
			h.write(t, "broken"+strings.Repeat(".", n))
			h.after(t, 1, "one")
		}
		h.write(t, "two")
		h.after(t, 2, "two")
		h.logged(t, "ERROR", 0)
	})
}

func TestAHangupLoadsAtOnce(t *testing.T) {
	watched(t, func(t *testing.T, h *held) {
		h.write(t, "two")
		h.hup <- os.Interrupt // any signal will do
		h.after(t, 0, "two")
		h.write(t, "broken")
		for range 2 { // who asks is answered each time
			h.hup <- os.Interrupt
			h.after(t, 0, "two")
		}
		h.logged(t, "ERROR", 2)
		h.after(t, 60, "two")
		h.logged(t, "ERROR", 2)
	})
}

// What was wrong may have been the system: no descriptors, say.
func TestAFailureThatWasNotTheFilesIsTriedAgain(t *testing.T) {
	watched(t, func(t *testing.T, h *held) {
		tries := 0
		h.run.Load = func() error {
			if tries++; tries == 1 {
				return errors.New("too many open files")
			}
			return h.load()
		}
		h.write(t, "two")
		h.after(t, 3, "one")
		h.after(t, 20, "two")
		h.logged(t, "ERROR", 1)
	})
}

func TestALargeFileIsSeenByItsTimeAndSize(t *testing.T) {
	file := filepath.Join(t.TempDir(), "large")
	states := make([]state, 0, 4)
	for _, size := range []int{mostRead + 1, mostRead + 2, 10, 0} {
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		states = append(states, look([]string{file}))
		if !states[len(states)-1].same(look([]string{file})) {
			t.Errorf("%d bytes: a file that nobody touched looks changed", size)
		}
	}
	for i := range states[1:] {
		if states[i].same(states[i+1]) {
			t.Errorf("change %d is not seen", i)
		}
	}
}

func TestAWatchNeedsFilesThatCanBeLoaded(t *testing.T) {
	h := &held{file: filepath.Join(t.TempDir(), "none")}
	if _, err := (Watch{What: "x", Files: []string{h.file}, Load: h.load, Logger: slog.New(slog.DiscardHandler)}).Start(); err == nil {
		t.Error("a file that is not there was loaded")
	}
}
