//go:build linux

package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"flashq/e2e/instance"
	"flashq/e2e/oracle"
	"flashq/e2e/tracer"
)

// A partition whose nth fsync or write, or anything else that it does to its files, fails once takes no more writes
// until the next start, although every later call would succeed. Reads, its topic's other partition and other topics go
// on, and nothing that was acknowledged is missing after the start. FLASHQ_FAILS is how many of a call's are tried.
func TestFailedCallEndsWrites(t *testing.T) {
	for _, fsync := range []string{"always", "interval"} {
		for _, call := range []string{"fsync", "pwrite64", "openat", "ftruncate"} {
			t.Run(fsync+" "+call, func(t *testing.T) {
				rule := tracer.Rule{
					Calls: []string{call}, Create: true, Path: "/hit-0", Not: caches, Errno: syscall.EIO,
				}
				all := failWhileWriting(t, fsync, rule)
				runs, struck := spread(t, all, "FLASHQ_FAILS", 6, func(t *testing.T, n int) int {
					rule.From = n
					return failWhileWriting(t, fsync, rule)
				})
				fmt.Printf("EIO of one %s, fsync=%s: %d of %d calls failed, each ended its partition's writes\n",
					call, fsync, struck, all)
				if runs == 0 {
					t.Errorf("no %s is made", call)
				}
			})
		}
	}
}

// caches are the files of a partition that only make a start shorter: the note of which segments are whole, and what is
// known of producers and of keys.
var caches = []string{"segments.checkpoint", ".snapshot", ".keys", ".keynotes"}

// A cache that can't be written costs nothing but a longer start: writes go on, and the next segment brings another.
func TestFailedCacheEndsNothing(t *testing.T) {
	for _, cache := range caches[:2] { // no key is used here; a folder is named after its test, so that holds no such name
		for _, call := range []string{"openat", "pwrite64"} {
			t.Run(filepath.Ext(cache)[1:]+" "+call, func(t *testing.T) {
				rule := tracer.Rule{Calls: []string{call}, Create: true, Path: cache, Errno: syscall.EIO}
				all := failWhileWriting(t, "always", rule)
				runs, struck := spread(t, all, "FLASHQ_FAILS", 6, func(t *testing.T, n int) int {
					rule.From = n
					return failWhileWriting(t, "always", rule)
				})
				fmt.Printf("EIO of one %s of a %s: %d of %d calls failed, none ended anything\n", call, cache, struck, all)
				if runs == 0 {
					t.Errorf("no %s is made", call)
				}
			})
		}
	}
}

// spread runs a test for some of the numbers 1 to all, as many as the environment says, and adds up what it gives.
func spread(t *testing.T, all int, name string, otherwise int, run func(t *testing.T, n int) int) (runs, sum int) {
	t.Helper()
	some := size(t, name, otherwise)
	step := max(1, (all+some-1)/some)
	for n := 1; n <= all && !t.Failed(); n += step {
		runs++
		t.Run(fmt.Sprintf("call %d", n), func(t *testing.T) { sum += run(t, n) })
	}
	return runs, sum
}

const refused = "storage_error"

// failWhileWriting writes until the rule has struck and judges what then goes on. It gives how many calls were struck;
// without From, how many there are.
func failWhileWriting(t *testing.T, fsync string, rule tracer.Rule) int {
	t.Helper()
	data := t.TempDir()
	rule.Ready = filepath.Join(t.TempDir(), "ready")
	args := []string{"--storage=file", "--data-dir=" + data, "--fsync=" + fsync, "--fsync-interval=1ms"}
	broker := tracer.Start(t, rule, args...)
	hit, free := oracle.NewLedger("hit", 2), oracle.NewLedger("free", 1)
	broker.CreateTopic(t, "hit", 2, `"segment_bytes":1024`)
	broker.CreateTopic(t, "free", 1)
	touch(t, rule.Ready)
	failed := false
	for n := 0; n < 40 && !failed; n++ {
		failed = accepts(t, hit.PutIn(t, broker.Instance, 0, 1, 0), "", refused) == refused
		accepts(t, hit.PutIn(t, broker.Instance, 1, 1, 0), "")
		accepts(t, free.Put(t, broker.Instance, 1, 0), "")
	}
	if failed {
		stayRefused(t, broker.Instance, hit, free)
	}
	position := hit.CheckFrom(t, broker.Instance, "")
	broker.Terminate()
	code := broker.Wait(t)
	counted, struck := broker.Report(t)
	want := min(struck, 1)
	if slices.Contains(caches, rule.Path) {
		want = 0
		if failed {
			t.Error("a cache that failed ended writes")
		}
	}
	if code != want { // also where the call that failed was one of the stop
		t.Errorf("exit code %d instead of %d; writes were refused: %v", code, want, failed)
	}
	if rule.From == 0 {
		return counted
	}
	next := instance.Start(t, args...)
	accepts(t, hit.PutIn(t, next, 0, 1, 0), "")
	accepts(t, hit.Put(t, next, 5, 0), "")
	hit.CheckFrom(t, next, position)
	free.CheckFrom(t, next, "")
	all, _ := next.ReadFrom(t, "hit", "")
	hit.CheckAll(t, all)
	next.Stop(t)
	return struck
}

// stayRefused wants a failed partition to refuse for good while everything else goes on, and /ready to say so.
func stayRefused(t *testing.T, broker *instance.Instance, hit, free *oracle.Ledger) {
	t.Helper()
	for range 3 {
		accepts(t, hit.PutIn(t, broker, 0, 1, 0), refused)
		accepts(t, hit.Put(t, broker, 20, 0), refused) // in both partitions: neither takes its part
		accepts(t, hit.PutIn(t, broker, 1, 1, 0), "")
		accepts(t, free.Put(t, broker, 1, 0), "")
	}
	var not struct{ Reason string }
	broker.Must(t, http.StatusServiceUnavailable, "GET", "/ready", "", nil, &not)
	if not.Reason != refused {
		t.Errorf("/ready says %s", not.Reason)
	}
}

// accepts gives a code and demands that it is one of those.
func accepts(t *testing.T, code string, codes ...string) string {
	t.Helper()
	for _, c := range codes {
		if code == c {
			return code
		}
	}
	t.Fatalf("the answer is %q instead of one of %q", code, codes)
	return ""
}

func touch(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The broker's own logs fail as any partition does: what they would have kept is refused, records go on.
func TestFailedCallInOwnLogs(t *testing.T) {
	for _, call := range []string{"fsync", "pwrite64"} {
		t.Run(call, func(t *testing.T) {
			data, ready := t.TempDir(), filepath.Join(t.TempDir(), "ready")
			args := []string{"--storage=file", "--data-dir=" + data, "--fsync=always"}
			s := newScript()
			rule := tracer.Rule{Calls: []string{call}, Path: "/__", Errno: syscall.EIO, From: 1, Times: 2, Ready: ready}
			broker := tracer.Start(t, rule, args...)
			s.topics.Create(t, broker.Instance, kept, keptConfig, http.StatusCreated)
			s.append(t, broker.Instance)
			s.commits.Commit(t, broker.Instance, 0, 1)
			s.append(t, broker.Instance)
			touch(t, ready)
			for _, request := range [][3]string{
				{"PUT", "/topics/" + doomed, `{"partitions":1}`},
				{"POST", "/groups/g/offsets", `{"offsets":[{"topic":"kept","partition":0,"offset":2}]}`},
				{"PUT", "/topics/" + doomed, `{"partitions":1}`},
				{"POST", "/groups/g/offsets", `{"offsets":[{"topic":"kept","partition":0,"offset":2}]}`},
			} {
				a, err := broker.Call(request[0], request[1], "application/json", []byte(request[2]))
				if err != nil || instance.Refusal(t, a) != refused {
					t.Errorf("%s %s: %v, status %d: %s", request[0], request[1], err, a.Status, a.Body)
				}
				s.append(t, broker.Instance)
			}
			broker.Terminate()
			broker.Wait(t)
			if _, struck := broker.Report(t); struck != 2 {
				t.Errorf("%d calls failed", struck)
			}
			next := instance.Start(t, args...)
			s.topics.Create(t, next, doomed, `{"partitions":1}`, http.StatusCreated, http.StatusOK)
			s.commits.Commit(t, next, 0, 2)
			s.check(t, next)
			next.Stop(t)
		})
	}
}

// atStart are the system calls that a start may make on the data folder.
var atStart = []string{
	"openat", "preadv2", "pwrite64", "fsync", "ftruncate", "renameat", "unlinkat",
}

// A start of which any one call on the data folder fails either goes well or ends with one line that says why; the next
// one has everything. The folder is one that needs recovery: no clean mark, a torn tail, a deletion cut short; and it was
// left by kill -9, or by a power cut.
func TestFailedCallAtStart(t *testing.T) {
	origin, s := unwell(t)
	for i := range 2 * len(atStart) {
		call, boot := atStart[i/2], []string{"", "another boot"}[i%2]
		t.Run(call+" "+boot, func(t *testing.T) {
			started := 0
			once := func(t *testing.T, n int) int {
				counted, struck, listened := startFailing(t, origin, boot, s, tracer.Rule{
					Calls: []string{call}, Errno: syscall.EIO, From: n,
				})
				if n == 0 {
					return counted
				}
				if listened {
					started++
				}
				return struck
			}
			all := once(t, 0)
			runs, struck := spread(t, all, "FLASHQ_FAILS", 6, once)
			fmt.Printf("EIO of one %s at start, %s: %d of %d calls failed, %d of %d brokers started all the same\n",
				call, map[bool]string{true: "after kill -9", false: "after a power cut"}[boot == ""], struck, all, started, runs)
		})
	}
}

// unwell makes a data folder that a killed broker left, with a torn tail and a deletion that was cut short.
func unwell(t *testing.T) (string, *script) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	rule := tracer.Rule{Calls: []string{"unlinkat"}, Path: "-delete", Errno: syscall.EIO, From: 1, Times: 1 << 20}
	broker := tracer.Start(t, rule, "--storage=file", "--data-dir="+data) // nothing that is deleted goes
	s := newScript()
	if !s.play(t, broker.Instance) || !s.append(t, broker.Instance) {
		t.Fatal("no answer")
	}
	broker.Kill()
	if going, err := filepath.Glob(filepath.Join(data, "*-delete")); err != nil || len(going) == 0 {
		t.Fatalf("no deletion was cut short: %v", err)
	}
	logs, err := filepath.Glob(filepath.Join(data, kept+"-0", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no log: %v", err)
	}
	f, err := os.OpenFile(logs[len(logs)-1], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("torn"); err != nil {
		t.Fatal(err)
	}
	return data, s
}

// startFailing starts a broker under a rule on a copy of a folder, and then one without. boot is the name of the boot
// that the folder was left in; another one than now means a power cut, whose new leader epoch must not get lost.
func startFailing(t *testing.T, origin, boot string, s *script, rule tracer.Rule) (counted, struck int, listened bool) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(data, os.DirFS(origin)); err != nil {
		t.Fatal(err)
	}
	if boot != "" {
		write(t, filepath.Join(data, "flashq.boot"), boot)
	}
	rule.Path = data
	args := []string{"--storage=file", "--data-dir=" + data}
	broker := tracer.Launch(t, rule, args...)
	listened = broker.Listens(t)
	broker.Terminate()
	code := broker.Wait(t)
	counted, struck = broker.Report(t)
	if !listened {
		lines := strings.Count("\n"+broker.Log(), "\nflashq: ")
		if code != 1 || lines != 1 {
			t.Errorf("exit code %d, and %d lines say why:\n%s", code, lines, broker.Log())
		}
	}
	next := instance.Start(t, args...)
	s.again().check(t, next)
	if text, err := os.ReadFile(filepath.Join(data, kept+"-0", "leader-epoch-checkpoint")); err != nil ||
		strings.Contains(string(text), "\n1 ") != (boot != "") {
		t.Errorf("the leader epochs are %q (%v)", text, err)
	}
	next.Stop(t)
	checkFolder(t, data, kept)
	return counted, struck, listened
}
