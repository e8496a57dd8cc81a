package loadtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// errOneProcessor is returned where there is nothing to share out.
var errOneProcessor = fmt.Errorf("%w: --pin on one processor; allowed: on two and more", ErrConfig)

// shares are the processors that this process may use: the last one for itself, the others for the servers.
func shares() (own, servers unix.CPUSet, err error) {
	var all unix.CPUSet
	if err = unix.SchedGetaffinity(0, &all); err != nil {
		return own, servers, fmt.Errorf("pin: %w", err)
	}
	if all.Count() < 2 {
		return own, servers, errOneProcessor
	}
	servers = all
	for cpu := len(all)*64 - 1; cpu >= 0; cpu-- {
		if all.IsSet(cpu) {
			servers.Clear(cpu)
			own.Set(cpu)
			return own, servers, nil
		}
	}
	return own, servers, errOneProcessor
}

// whole is what this process might use before it pinned itself.
var whole struct {
	pinned  bool
	servers unix.CPUSet
}

// pinSelf puts all threads of this process on its own processor; those that come inherit that.
func pinSelf() (undo func(), err error) {
	own, servers, err := shares()
	if err != nil {
		return nil, err
	}
	all := servers
	for cpu := range len(own) * 64 {
		if own.IsSet(cpu) {
			all.Set(cpu)
		}
	}
	if err := setThreads(own); err != nil {
		return nil, err
	}
	whole.pinned, whole.servers = true, servers
	before := runtime.GOMAXPROCS(1)
	return func() {
		_ = setThreads(all) // it was allowed before
		runtime.GOMAXPROCS(before)
		whole.pinned = false
	}, nil
}

func setThreads(cpus unix.CPUSet) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return fmt.Errorf("pin: %w", err)
		}
		if err := unix.SchedSetaffinity(id, &cpus); err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
			return fmt.Errorf("pin: %w", err)
		}
	}
	return nil
}

// startPinned starts a command whose processors are the servers' share: it inherits them from the thread that starts
// it.
func startPinned(cmd *exec.Cmd, pinned bool) error {
	if !pinned || !whole.pinned {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	if err := unix.SchedSetaffinity(0, &whole.servers); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	err := cmd.Start()
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}
