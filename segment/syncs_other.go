//go:build !linux

package segment

import "os"

// newWholeSync is what only Linux has: elsewhere each file is synced by itself.
func newWholeSync(string) wholeSync { return noWholeSync{} }

// readCached is what only Linux has, too: elsewhere each read takes a turn.
func readCached(*os.File, []byte, int64) int { return 0 }
