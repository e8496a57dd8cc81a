//go:build linux

package tracer

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
)

// Main is what a package's TestMain calls first: in the tracing process it does that process's work and does not return,
// elsewhere it does nothing.
func Main() {
	text := os.Getenv(order)
	if text == "" {
		return
	}
	var o orders
	err := json.Unmarshal([]byte(text), &o)
	code := 0
	if err == nil {
		code, err = o.trace()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracer:", err)
		code = 99
	}
	os.Exit(code)
}

// trace runs the broker to its end and gives its exit code, 137 after a kill.
func (o orders) trace() (int, error) {
	runtime.LockOSThread() // a tracer is a thread
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return len(s) > len(order) && s[:len(order)] == order })
	pid, err := syscall.ForkExec(o.Binary, append([]string{o.Binary}, os.Args[1:]...), &syscall.ProcAttr{
		Env: env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return 0, err
	}
	const exitKill = 0x100000 // PTRACE_O_EXITKILL
	options := exitKill | syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE
	if err := syscall.PtraceSetOptions(pid, options); err != nil {
		return 0, fmt.Errorf("ptrace options: %w", err)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range signals {
			_ = syscall.Kill(pid, s.(syscall.Signal)) // the broker may be gone
		}
	}()
	s := strike{rule: o.Rule, pid: pid, failing: map[int]bool{}}
	s.open()
	code, err := s.follow()
	report := fmt.Sprintf("%d %d\n", s.counted, s.struck)
	if err == nil {
		err = os.WriteFile(o.Report, []byte(report), 0o600)
	}
	return code, err
}

// follow resumes whichever thread has stopped, until the process is gone.
func (s *strike) follow() (int, error) {
	tid, sig := s.pid, 0
	for {
		// A thread may be gone by now, together with its process.
		if err := syscall.PtraceSyscall(tid, sig); err != nil && err != syscall.ESRCH {
			return 0, fmt.Errorf("ptrace: %w", err)
		}
		var status syscall.WaitStatus
		var err error
		if tid, err = wait(&status); err != nil {
			return 0, err
		}
		for status.Exited() || status.Signaled() {
			if tid == s.pid && status.Exited() {
				return status.ExitStatus(), nil
			}
			if tid == s.pid {
				return 128 + int(status.Signal()), nil
			}
			if tid, err = wait(&status); err != nil {
				return 0, err
			}
		}
		if sig, err = s.stopped(tid, status); err != nil {
			return 0, err
		}
	}
}

func wait(status *syscall.WaitStatus) (tid int, err error) {
	for {
		tid, err = syscall.Wait4(-1, status, syscall.WALL, nil)
		if err != syscall.EINTR {
			return tid, err
		}
	}
}

// stopped looks at why a thread stopped and gives the signal that it is to get.
func (s *strike) stopped(tid int, status syscall.WaitStatus) (int, error) {
	const syscallStop = syscall.SIGTRAP | 0x80
	switch sig := status.StopSignal(); {
	case sig == syscallStop:
		return 0, s.call(tid)
	case sig == syscall.SIGTRAP && status.TrapCause() > 0: // it made a thread
		return 0, nil
	case sig == syscall.SIGSTOP: // a new thread's beginning; nobody sends another
		return 0, nil
	default:
		return int(sig), nil
	}
}
