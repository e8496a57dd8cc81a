package loadtest

import (
	"os/exec"
	"syscall"
)

// bind makes a child die with this process, even if it is killed, and leaves Ctrl-C to us alone.
func bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
