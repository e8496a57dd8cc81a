package conn

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// crowdErrors say that the process or the machine is out of handles or buffers for now.
var crowdErrors = []error{
	windows.WSAEMFILE, windows.WSAENOBUFS, windows.ERROR_TOO_MANY_OPEN_FILES, windows.ERROR_NOT_ENOUGH_MEMORY,
	syscall.EMFILE, // Go's own number
}
