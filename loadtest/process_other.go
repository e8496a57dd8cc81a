//go:build !linux

package loadtest

import (
	"os/exec"
	"time"
)

// processCPU knows no other process's time here; reports leave it out.
func processCPU(int) (used time.Duration, ok bool) { return 0, false }

// bind has no means here to tie a child to this process.
func bind(*exec.Cmd) {}
