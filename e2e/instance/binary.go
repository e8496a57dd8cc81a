package instance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the program under test; set by Main before any test runs.
var binary string

// Main is what a package's TestMain calls: it finds or builds the binary, runs the tests and gives the exit code.
func Main(m *testing.M) int {
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil { // else each command under the race detector lingers
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	if binary = os.Getenv("FLASHQ_BIN"); binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "flashq-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "flashq")
	if err := build(binary); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return m.Run()
}

// build makes a binary under the race detector where the tests themselves run under it.
func build(to string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	args := append([]string{"build", "-buildvcs=false", "-o", to}, raceFlags...)
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// Binary is the program under test.
func Binary() string { return binary }

// Root is the repository's folder: the nearest one above the working directory with a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
	}
}
