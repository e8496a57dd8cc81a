package instance

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a process; a test that meets it fails.
const patience = 2 * time.Minute

var banner = regexp.MustCompile(`msg="flashq is listening".* addr=(\S+)`)

// Instance is one running broker. Its methods are called by the test's own goroutine, except Call and what builds on
// it, which any goroutine may call.
type Instance struct {
	Addr string // host:port
	PID  int
	Args []string // what it was started with, the first is its own --listen

	cmd  *exec.Cmd
	log  *Journal
	done chan struct{} // closed when the process has ended and its log is whole
}

// Start runs the broker on a free port and waits until it listens.
func Start(t testing.TB, args ...string) *Instance {
	t.Helper()
	i := Launch(t, args...)
	i.Listening(t)
	return i
}

// Listening waits until the broker listens.
func (i *Instance) Listening(t testing.TB) {
	t.Helper()
	i.Addr = i.log.Wait(t, banner)
}

// Listens waits until the broker listens or has ended: false.
func (i *Instance) Listens(t testing.TB) bool {
	t.Helper()
	addr, ok := i.log.Find(t, banner)
	i.Addr = addr
	return ok
}

// Log is what the broker has logged so far.
func (i *Instance) Log() string { return i.log.String() }

// Launch runs the broker on a free port without waiting for anything. What still runs when the test ends is killed.
func Launch(t testing.TB, args ...string) *Instance {
	t.Helper()
	return Through{Command: []string{binary}}.Launch(t, args...)
}

// Through is another command that ends with running the broker, with the arguments that it is given: it may set limits
// or trace. PID, signals and the exit code are the command's.
type Through struct {
	Command []string
	Env     []string // beside that of the test
}

// Launch is the function Launch, through the command.
func (c Through) Launch(t testing.TB, args ...string) *Instance {
	t.Helper()
	i := &Instance{log: NewJournal(), done: make(chan struct{})}
	i.Args = append([]string{"--listen=127.0.0.1:0"}, args...)
	i.cmd = exec.Command(c.Command[0], slices.Concat(c.Command[1:], i.Args)...)
	i.cmd.Env = append(os.Environ(), c.Env...)
	i.cmd.Stderr = i.log
	DieWithTest(i.cmd)
	if err := i.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", c.Command[0], err)
	}
	i.PID = i.cmd.Process.Pid
	go func() {
		defer close(i.done)
		_ = i.cmd.Wait() // ExitCode tells
		i.log.End()
	}()
	t.Cleanup(func() {
		_ = i.cmd.Process.Kill() // fails when it ended already
		<-i.done
		if t.Failed() {
			t.Logf("log of flashq %v:\n%s", args, i.log)
		}
	})
	return i
}

// Logged waits for a line of the log and gives the pattern's first group.
func (i *Instance) Logged(t testing.TB, what *regexp.Regexp) string {
	t.Helper()
	return i.log.Wait(t, what)
}

// Signal sends a signal and does not wait.
func (i *Instance) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := i.cmd.Process.Signal(s); err != nil {
		t.Fatalf("signal %v: %v", s, err)
	}
}

// Wait waits for the end and gives the exit code, -1 after a fatal signal.
func (i *Instance) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-i.done:
		return i.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("the broker did not end:\n%s", i.log)
		return 0
	}
}

// Stop ends the broker as an operator would, and demands that it ends well.
func (i *Instance) Stop(t testing.TB) {
	t.Helper()
	i.Signal(t, syscall.SIGTERM)
	if code := i.Wait(t); code != 0 {
		t.Fatalf("exit code %d after SIGTERM:\n%s", code, i.log)
	}
}

// Kill ends the broker with SIGKILL and waits until it is gone. Unlike the others it may be called by any goroutine.
func (i *Instance) Kill() {
	_ = i.cmd.Process.Kill() // fails when it ended already
	<-i.done
}

// Terminate sends SIGTERM to a broker that may be gone already.
func (i *Instance) Terminate() { _ = i.cmd.Process.Signal(syscall.SIGTERM) }
