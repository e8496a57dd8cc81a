//go:build race

package instance

var raceFlags = []string{"-race"}
