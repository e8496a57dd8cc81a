//go:build linux

package tracer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"flashq/e2e/instance"
)

// Rule says which system calls count, and where to strike.
type Rule struct {
	Calls []string // names; "openat" counts where it creates only if Create is set
	// Path is what the file's path must contain for the call to count; "" is any, sockets included. Suffix is what it
	// must end with, "" is nothing, and Not are what it must not contain.
	Path, Suffix string
	Not          []string
	Create       bool
	// From is which of the calls that count is struck first, 1 is the first and 0 none; Times is how many from there, 0
	// is one.
	From, Times int
	// Errno is what a struck call fails with, without having been made; 0 kills the broker there, before the call.
	Errno syscall.Errno
	// Ready is a file that must exist for calls to count: a test that wants a quiet beginning makes it. "" is none.
	Ready string
}

// Traced is a broker under a rule. Its instance must not be killed but by the rule.
type Traced struct {
	*instance.Instance

	report string
}

// order is what the test tells the tracing process.
const order = "FLASHQ_TRACER_ORDER"

type orders struct {
	Rule   Rule
	Binary string
	Report string
}

// Launch runs the broker under a rule without waiting for anything.
func Launch(t testing.TB, rule Rule, args ...string) Traced {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "report")
	text, err := json.Marshal(orders{Rule: rule, Binary: instance.Binary(), Report: report})
	if err != nil {
		t.Fatal(err)
	}
	through := instance.Through{Command: []string{self}, Env: []string{order + "=" + string(text)}}
	return Traced{Instance: through.Launch(t, args...), report: report}
}

// Start is Launch for a broker that is expected to listen.
func Start(t testing.TB, rule Rule, args ...string) Traced {
	t.Helper()
	b := Launch(t, rule, args...)
	b.Listening(t)
	return b
}

// Report tells how many calls counted and how many were struck. The broker has ended by then.
func (b Traced) Report(t testing.TB) (counted, struck int) {
	t.Helper()
	text, err := os.ReadFile(b.report)
	if err != nil {
		t.Fatalf("the tracer left no report: %v", err)
	}
	numbers := strings.Fields(string(text))
	for i, to := range []*int{&counted, &struck} {
		if *to, err = strconv.Atoi(numbers[i]); err != nil {
			t.Fatalf("the tracer's report %q: %v", text, err)
		}
	}
	return counted, struck
}
