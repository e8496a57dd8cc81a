//go:build !linux

package drive

// newEngine is the best engine of this system.
func newEngine(c Config, to target) (engine, error) { return newPortable(c, to) }
