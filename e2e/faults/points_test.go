//go:build linux

package faults

import (
	"fmt"
	"testing"

	"flashq/e2e/instance"
	"flashq/e2e/tracer"
)

// changing are the system calls that change something, or tell somebody: `write` goes to sockets and to the log.
var changing = []string{
	"write", "pwrite64", "fdatasync", "fsync", "renameat", "renameat2", "ftruncate", "unlinkat", "mkdirat", "openat",
}

// A broker that is killed at any system call of a fixed script has, at its next start, all that it acknowledged, and
// goes on. FLASHQ_POINTS is how many of the calls are tried, evenly spread; all of them where it is larger.
func TestKillAtEverySystemCall(t *testing.T) {
	for _, fsync := range []string{"always", "interval"} {
		t.Run(fsync, func(t *testing.T) {
			all := playTraced(t, fsync, 0)
			step := max(1, (all+size(t, "FLASHQ_POINTS", 40)-1)/size(t, "FLASHQ_POINTS", 40))
			hit := 0
			for n := 1; n <= all && !t.Failed(); n += step {
				t.Run(fmt.Sprintf("call %d", n), func(t *testing.T) { hit += playTraced(t, fsync, n) })
			}
			fmt.Printf("kill at every system call, fsync=%s: killed at %d of %d calls, every %d\n", fsync, hit, all, step)
		})
	}
}

// playTraced plays the script and kills the broker at its nth call, then judges what the next one finds. It gives how
// often the broker was killed; for n = 0, how many calls there are.
func playTraced(t *testing.T, fsync string, n int) int {
	t.Helper()
	data := t.TempDir()
	args := []string{"--storage=file", "--data-dir=" + data, "--fsync=" + fsync, "--fsync-interval=5ms"}
	s := newScript()
	broker := tracer.Launch(t, tracer.Rule{Calls: changing, Create: true, From: n}, args...)
	if broker.Listens(t) && s.play(t, broker.Instance) {
		broker.Terminate()
	}
	code := broker.Wait(t)
	if code != 0 && code != 137 {
		t.Fatalf("exit code %d", code)
	}
	counted, struck := broker.Report(t)
	if struck == 0 && code != 0 {
		t.Fatalf("exit code %d without a kill", code)
	}
	next := instance.Start(t, args...)
	s.check(t, next)
	next.Stop(t)
	checkFolder(t, data, kept, doomed)
	if n == 0 {
		return counted
	}
	return struck
}
