//go:build linux

package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"flashq/e2e/instance"
	"flashq/e2e/oracle"
)

// syncMargin is what a sync itself may take on a busy machine, beside the interval between two.
const syncMargin = time.Second

// policy is one way to sync, and what a power cut may take then.
type policy struct {
	name string
	args []string
	lose time.Duration // what was acknowledged no longer ago than that
	roll string        // under never a cut leaves holes where a segment ended, and says so
}

const cutPartitions = 4

// A power cut, on a real file system: the broker is stopped under load, the image of its disk is copied as it is, with
// nothing synced, and a broker starts on the copy as after a reboot. Under always nothing acknowledged is lost, under
// interval nothing that is older than the interval; under never the cut must be seen to cut. FLASHQ_CUTS is how many.
func TestPowerCut(t *testing.T) {
	const rolling = `"segment_bytes":262144`
	for _, p := range []policy{
		{"always", []string{"--fsync=always"}, 0, rolling},
		{"interval", []string{"--fsync=interval", "--fsync-interval=100ms"}, 100*time.Millisecond + syncMargin, rolling},
		{"never", []string{"--fsync=never"}, time.Hour, `"segment_bytes":1073741824`},
	} {
		t.Run(p.name, func(t *testing.T) {
			all := oracle.Sum{}
			tries := size(t, "FLASHQ_CUTS", 4)
			for n := 1; n <= tries && !t.Failed(); n++ {
				t.Run(fmt.Sprintf("cut %d", n), func(t *testing.T) { all.Add(p.cut(t, n)) })
			}
			if p.lose == time.Hour && all.Excused == 0 {
				t.Errorf("the cuts lost nothing, so they show nothing")
			}
			fmt.Printf("power cut, fsync=%s: %d cuts: %s; %d gone that may be\n", p.name, tries, all, all.Excused)
		})
	}
}

// cut makes the nth cut: a later one strikes a broker that has written more.
func (p policy) cut(t *testing.T, n int) *oracle.Ledger {
	t.Helper()
	d := newDisk(t)
	broker := instance.Start(t, d.args(p.args)...)
	broker.CreateTopic(t, "load", cutPartitions, p.roll)
	l, topics, commits := oracle.NewLedger("load", cutPartitions), oracle.NewTopics("load"), oracle.NewCommits("load")
	var load sync.WaitGroup
	began, reached := time.Now(), make(chan struct{})
	load.Go(func() { l.Load(t, broker, 200*n, func() { close(reached) }) })
	defer load.Wait()
	defer broker.Kill()
	<-reached
	instance.Eventually(t, "some is old enough to be safe", func() bool {
		return p.lose == time.Hour || time.Since(began) > p.lose+p.lose/4
	})
	topics.Create(t, broker, "made", `{"partitions":1}`, http.StatusCreated)
	topics.Create(t, broker, "deleted", `{"partitions":1}`, http.StatusCreated)
	topics.Remove(t, broker, "deleted", http.StatusNoContent)
	commits.Commit(t, broker, 0, 1)
	stopped := time.Now()
	next := d.cut(t, broker, p.args)
	since := none
	if p.lose > 0 {
		since = stopped.Add(-p.lose)
	} else {
		commits.Check(t, next)
	}
	judged := l.Copy(since)
	topics.Check(t, next)
	checkCut(t, next, judged, cutPartitions)
	return judged
}

// checkCut judges the records after a cut, and that what is written from then on stands in a new leader epoch.
func checkCut(t *testing.T, next *instance.Instance, judged *oracle.Ledger, partitions int) {
	t.Helper()
	got, position := next.ReadFrom(t, judged.Topic, "")
	judged.Check(t, got)
	for p := range partitions {
		want := fmt.Sprintf("0 2 0 0 1 %d", len(got[p]))
		checkpoint := filepath.Join(dataOf(next), fmt.Sprintf("%s-%d", judged.Topic, p), "leader-epoch-checkpoint")
		text, err := os.ReadFile(checkpoint)
		if found := strings.Join(strings.Fields(string(text)), " "); err != nil || found != want {
			t.Errorf("%s: %q instead of %q (%v)", checkpoint, found, want, err)
		}
	}
	for range 3 {
		accepts(t, judged.Put(t, next, 10, 0), "")
	}
	judged.CheckFrom(t, next, position)
}

// disk is an ext4 in a file, mounted.
type disk struct{ image, mounted string }

func newDisk(t *testing.T) disk {
	t.Helper()
	d := disk{image: image(t, 256)}
	d.mounted = mount(t, "-o", "loop", d.image)
	return d
}

func (d disk) args(more []string) []string {
	return append([]string{"--storage=file", "--data-dir=" + filepath.Join(d.mounted, "data")}, more...)
}

// cut stops a broker, copies its disk as the power cut would leave it, and starts a broker on the copy, as another boot
// of the machine. The first one stays stopped until it is killed.
func (d disk) cut(t *testing.T, broker *instance.Instance, args []string) *instance.Instance {
	t.Helper()
	broker.Signal(t, syscall.SIGSTOP)
	instance.Eventually(t, "every thread stands still", func() bool { return stands(t, broker.PID) })
	after := disk{image: filepath.Join(t.TempDir(), "copy")}
	run(t, "cp", "--sparse=always", d.image, after.image)
	after.mounted = mount(t, "-o", "loop", after.image)
	boot := filepath.Join(after.mounted, "data", "flashq.boot")
	if text, err := os.ReadFile(boot); err != nil || len(text) == 0 {
		t.Fatalf("the boot is not noted: %q, %v", text, err)
	}
	write(t, boot, "another boot")
	return instance.Start(t, after.args(args)...)
}

// stands tells whether every thread of a process is stopped: one in a sync stops after it.
func stands(t *testing.T, pid int) bool {
	t.Helper()
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(stats) == 0 {
		t.Fatalf("no threads of %d: %v", pid, err)
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if _, state, ok := strings.Cut(string(text), ") "); err == nil && (!ok || state[0] != 'T') {
			return false
		}
	}
	return true
}

// dataOf is a broker's data folder.
func dataOf(broker *instance.Instance) string {
	const flag = "--data-dir="
	for _, arg := range broker.Args {
		if dir, ok := strings.CutPrefix(arg, flag); ok {
			return dir
		}
	}
	return ""
}

// A group that had read on beyond what a power cut left is moved back to where that ends, is told by how much, and gets
// what takes the lost records' offsets.
func TestCutMovesCommitBack(t *testing.T) {
	d := newDisk(t)
	lazy := []string{"--fsync=interval", "--fsync-interval=1h"}
	broker := instance.Start(t, d.args(lazy)...)
	broker.CreateTopic(t, "tail", 1)
	produce(t, broker, "?sync=true", 10, "kept")
	produce(t, broker, "", 10, "lost")
	for group, offset := range map[string]int{"ahead": 20, "behind": 5} {
		broker.Must(t, http.StatusOK, "POST", "/groups/"+group+"/offsets", "application/json",
			fmt.Appendf(nil, `{"offsets":[{"topic":"tail","partition":0,"offset":%d}]}`, offset), nil)
	}
	syncAll(t, filepath.Join(d.mounted, "data", "__consumer_offsets-*")) // the kernel was quicker with these
	next := d.cut(t, broker, lazy)
	for range 2 {
		wantCommit(t, next, "ahead", 10, 10)
		wantCommit(t, next, "behind", 5, 0)
		next.Stop(t)
		next = instance.Start(t, next.Args[1:]...) // and it stays so
	}
	produce(t, next, "", 3, "new")
	page := next.Fetch(t, "tail", "group=ahead")
	if len(page.Records) != 3 || page.Records[0].Offset != 10 || instance.Text(page.Records[0].Value) != `"new-0"` {
		t.Errorf("after the cut the group gets %+v", page.Records)
	}
	all, _ := next.ReadFrom(t, "tail", "")
	if len(all[0]) != 13 || instance.Text(all[0][9].Value) != `"kept-9"` {
		t.Errorf("%d records after the cut", len(all[0]))
	}
	next.Stop(t)
	fmt.Println("power cut, commit ahead of what was left: moved back by 10 and told as truncated")
}

func produce(t *testing.T, broker *instance.Instance, query string, n int, what string) {
	t.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "{\"value\":\"%s-%d\"}\n", what, i)
	}
	broker.Must(t, http.StatusOK, "POST", "/topics/tail/records"+query, "application/x-ndjson", []byte(lines.String()), nil)
}

func wantCommit(t *testing.T, broker *instance.Instance, group string, offset, truncated int64) {
	t.Helper()
	var g struct {
		Offsets []struct {
			Committed int64 `json:"committed_offset"`
			Truncated int64
		}
	}
	broker.Must(t, http.StatusOK, "GET", "/groups/"+group+"/offsets?topic=tail", "", nil, &g)
	if len(g.Offsets) != 1 || g.Offsets[0].Committed != offset || g.Offsets[0].Truncated != truncated {
		t.Errorf("group %s: %+v instead of %d, truncated by %d", group, g.Offsets, offset, truncated)
	}
}

// syncAll makes folders and the files in them durable.
func syncAll(t *testing.T, folders string) {
	t.Helper()
	for _, pattern := range []string{filepath.Join(folders, "*"), folders} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: nothing there (%v)", pattern, err)
		}
		for _, name := range names {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
}
