//go:build unix

package http

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openLog opens a file to append to. A pipe that nobody reads is an error: waiting for its reader would wait for ever.
func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NONBLOCK, 0o640)
	if !errors.Is(err, syscall.ENXIO) {
		return f, err
	}
	if about, statErr := os.Stat(path); statErr == nil && about.Mode()&os.ModeNamedPipe != 0 {
		return nil, fmt.Errorf("%s is a pipe that nobody reads yet; start its reader first", path)
	}
	return nil, err
}
