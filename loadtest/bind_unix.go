//go:build unix && !linux

package loadtest

import (
	"os/exec"
	"syscall"
)

// bind leaves Ctrl-C to us alone. A child that outlives this process, if that is killed, can't be helped here.
func bind(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
