//go:build !linux

package loadtest

import (
	"fmt"
	"os/exec"
	"runtime"
)

// pinSelf can't be had here.
func pinSelf() (undo func(), err error) {
	return nil, fmt.Errorf("%w: --pin on %s; allowed: on Linux, other systems don't let a process choose its processors",
		ErrConfig, runtime.GOOS)
}

func startPinned(cmd *exec.Cmd, _ bool) error { return cmd.Start() }
