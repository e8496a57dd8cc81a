//go:build unix

package cli

import "syscall"

// descriptorLimit is how many files this process may have open: the runtime has raised the limit as far as it goes.
// 0 is no limit that matters.
func descriptorLimit() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || l.Cur > 1<<30 {
		return 0
	}
	return int(l.Cur)
}
