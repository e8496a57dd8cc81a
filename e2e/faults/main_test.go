//go:build linux

package faults

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"flashq/e2e/instance"
	"flashq/e2e/tracer"
)

func TestMain(m *testing.M) {
	tracer.Main()
	if os.Getenv("FLASHQ_FAULTS") != "1" {
		fmt.Println("e2e/faults: FLASHQ_FAULTS is not 1; `make faults` runs the fault tests")
		return
	}
	if os.Geteuid() != 0 || runtime.GOARCH != "amd64" {
		fmt.Fprintln(os.Stderr, "e2e/faults: needs root, for mounts, and amd64, for failing system calls")
		os.Exit(1)
	}
	os.Exit(instance.Main(m))
}

// size is a number from the environment, for how much a test does.
func size(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q; allowed: a number from 1", name, text)
	}
	return n
}
