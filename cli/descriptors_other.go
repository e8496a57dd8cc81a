//go:build !unix

package cli

// descriptorLimit is 0: there is none that matters.
func descriptorLimit() int { return 0 }
