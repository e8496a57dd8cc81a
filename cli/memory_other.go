//go:build !linux

package cli

// usableMemory can't be known here.
func usableMemory() int64 { return 0 }
