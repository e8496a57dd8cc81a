//go:build unix

package conn

import "syscall"

// crowdErrors say that the process or the machine is out of descriptors or buffers for now.
var crowdErrors = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}
