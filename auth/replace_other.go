//go:build !unix

package auth

import "os"

// inherit has nothing to do: a new file has what its folder lets it have.
func inherit(*os.File, os.FileInfo) error { return nil }

// syncFolder has nothing to do: folders can't be synced.
func syncFolder(string) error { return nil }

// othersMay is false: modes say nothing here.
func othersMay(os.FileMode) bool { return false }
