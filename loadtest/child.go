package loadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 10 * time.Second // to announce an address
	stopTimeout  = 10 * time.Second // from SIGTERM to SIGKILL
	// explainTimeout is how long a lost connection may come before the end of the process that held it.
	explainTimeout = time.Second
)

// child is a server in a process of its own, of this same binary.
type child struct {
	address string
	cmd     *exec.Cmd
	cancel  context.CancelFunc
	stdin   io.Closer
	out     *announcer
	done    chan struct{} // closed when it has ended
}

// startChild starts this binary with args and waits until a line of its output holds the address, as find sees it. A
// pinned one keeps off the processor that is ours.
func startChild(ctx context.Context, pinned bool, find func(line string) (address string), args ...string,
) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("own binary: %w", err)
	}
	// An interrupt ends the run first: a server that is gone before could not be asked for its CPU time.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &child{cancel: cancel, done: make(chan struct{}), out: newAnnouncer(find)}
	c.cmd = exec.CommandContext(own, self, args...)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	c.cmd.Cancel = c.terminate
	c.cmd.WaitDelay = stopTimeout
	bind(c.cmd)
	if c.stdin, err = c.cmd.StdinPipe(); err == nil {
		err = startPinned(c.cmd, pinned)
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", args, err)
	}
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait() // cmd.ProcessState tells how it ended
	}()
	return c, c.awaitAddress(ctx, args)
}

func (c *child) awaitAddress(ctx context.Context, args []string) error {
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	var err error
	select {
	case c.address = <-c.out.found:
		return nil
	case <-c.done:
		err = errors.New("it ended")
	case <-ctx.Done():
		err = ctx.Err()
	case <-late.C:
		err = fmt.Errorf("no address within %v", startTimeout)
	}
	c.stop()
	return fmt.Errorf("start %q: %w: %s", strings.Join(args, " "), err, c.out.tail())
}

// terminate asks the child to end, or ends it where it can't be asked, as on Windows.
func (c *child) terminate() error {
	err := c.cmd.Process.Signal(syscall.SIGTERM)
	if err == nil || errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return c.cmd.Process.Kill()
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stop ends the child and waits until it is gone; its exit status is of no interest any more.
func (c *child) stop() {
	_ = c.stdin.Close()
	c.cancel()
	<-c.done
}

// explain adds to an error of a client what the server said, if the server is gone, or just about to be.
func (c *child) explain(err error) error {
	soon := time.NewTimer(explainTimeout)
	defer soon.Stop()
	select {
	case <-c.done:
		return fmt.Errorf("%w; the server ended (%s): %s", err, c.cmd.ProcessState, c.out.tail())
	case <-soon.C:
		return err
	}
}

// announcer takes a child's output: it finds one address in it and keeps the last of it. Writes come from exec's
// goroutine.
type announcer struct {
	find  func(line string) string
	found chan string // capacity 1

	mu   sync.Mutex
	text []byte
}

// announcerKeeps bounds what is kept; lines are looked at as long as no address was found.
const announcerKeeps = 16 << 10

func newAnnouncer(find func(line string) string) *announcer {
	return &announcer{find: find, found: make(chan string, 1)}
}

func (a *announcer) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text = append(a.text, b...)
	if a.find != nil {
		a.search()
	}
	if over := len(a.text) - announcerKeeps; over > 0 {
		a.text = append(a.text[:0], a.text[over:]...)
	}
	return len(b), nil
}

// search looks through all whole lines for the address.
func (a *announcer) search() {
	whole := a.text[:bytes.LastIndexByte(a.text, '\n')+1]
	for line := range bytes.Lines(whole) {
		if address := a.find(strings.TrimSpace(string(line))); address != "" {
			a.found <- address
			a.find = nil
			return
		}
	}
}

// tail is the end of the output, or the head of a panic in it, where the cause stands.
func (a *announcer) tail() string {
	const enough = 1024
	a.mu.Lock()
	defer a.mu.Unlock()
	text := string(a.text)
	if i := strings.LastIndex(text, "panic: "); i >= 0 {
		text = text[i:min(i+enough, len(text))]
	}
	return strings.TrimSpace(text[max(0, len(text)-enough):])
}
