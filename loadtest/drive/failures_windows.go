package drive

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// What systems call the ways in which a request fails; the last of each are Go's own numbers.
var (
	timedOut = []error{windows.WSAETIMEDOUT, syscall.ETIMEDOUT}
	refused  = []error{windows.WSAECONNREFUSED, syscall.ECONNREFUSED}
	lost     = []error{windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.ERROR_NETNAME_DELETED,
		syscall.ECONNRESET, syscall.EPIPE}
)
