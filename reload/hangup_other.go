//go:build !unix

package reload

import "os"

// hangups gives nothing: here the signal is none that a user could send.
func hangups() (hup <-chan os.Signal, silence func()) { return nil, func() {} }
