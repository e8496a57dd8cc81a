package share

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// patience bounds the wait for a process to end.
const patience = 30 * time.Second

// Consumer is one flashq consume. Its methods belong to the test's goroutine.
type Consumer struct {
	Name string

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and all that it wrote is in the history
}

// Start runs the command under a member's name that no other had, and takes what it writes into h. Standard output and
// standard error are one pipe, so that it is known what was said between which records. What still runs when the test
// ends is killed.
func Start(t testing.TB, h *History, name string, command ...string) *Consumer {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &Consumer{Name: name, cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
	c.cmd.Args = append(c.cmd.Args, "--member="+name, "--output=json")
	c.cmd.Stdout, c.cmd.Stderr = in, in
	instance.DieWithTest(c.cmd)
	err = c.cmd.Start()
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		lines := bufio.NewReaderSize(out, 1<<20)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil { // what follows the last line's end was not written out
				break
			}
			h.take(name, time.Now(), line)
		}
		out.Close()
		_ = c.cmd.Wait() // the exit code tells
		h.end(name, c.cmd.ProcessState.ExitCode())
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // fails when it ended already
		<-c.done
	})
	return c
}

// Signal sends a signal. A process that ended by itself fails the test.
func (c *Consumer) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Errorf("%s: %v: %v", c.Name, s, errors.Join(err, c.end(t)))
	}
}

// Wait waits for the end of the process, and gives its exit code: -1 after a fatal signal.
func (c *Consumer) Wait(t testing.TB) int {
	t.Helper()
	if err := c.end(t); err != nil {
		t.Fatal(err)
	}
	return c.cmd.ProcessState.ExitCode()
}

func (c *Consumer) end(t testing.TB) error {
	t.Helper()
	select {
	case <-c.done:
		return nil
	case <-time.After(patience):
		return errors.New(c.Name + " did not end")
	}
}
