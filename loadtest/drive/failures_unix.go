//go:build unix

package drive

import "syscall"

// What systems call the ways in which a request fails.
var (
	timedOut = []error{syscall.ETIMEDOUT}
	refused  = []error{syscall.ECONNREFUSED}
	lost     = []error{syscall.ECONNRESET, syscall.EPIPE}
)
