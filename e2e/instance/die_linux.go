package instance

import (
	"os/exec"
	"syscall"
)

// DieWithTest makes a process die with the test, even if that is killed.
func DieWithTest(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
