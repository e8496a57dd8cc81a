package cli

import "os"

// ignoreFileSize has nothing to do: Windows has no limit of the size of files.
func ignoreFileSize() {}

// othersMayRead can't tell: what a file's mode says here is nothing about who may read it.
func othersMayRead(os.FileInfo) bool { return false }
