package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"flashq/e2e/instance"
	"flashq/e2e/oracle"
)

// harmless is what a check finds where a copy ends within a write.
var harmless = regexp.MustCompile(`bytes of a write that was cut short`)

// A backup that is made while records and commits come is a folder of its own: a broker that starts there has all that was
// acknowledged before, and nothing that contradicts it.
func TestBackupUnderLoad(t *testing.T) {
	for round := range 2 {
		data, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup")
		if err := os.Chmod(data, 0o710); err != nil {
			t.Fatal(err)
		}
		broker := instance.Start(t, "--data-dir="+data)
		broker.CreateTopic(t, loadTopic, partitions, `"segment_bytes":16384`)
		before := joins(t, broker)
		commits, l := oracle.NewCommits(loadTopic), oracle.NewLedger(loadTopic, partitions)
		loaded := make(chan struct{})
		var load sync.WaitGroup
		load.Go(func() { commits.Churn(t, broker) })
		load.Go(func() { l.Load(t, broker, 100+200*round, func() { close(loaded) }) })
		<-loaded
		committed, begun := committedBy(t, broker), time.Now()
		backUp(t, data, backup)
		copied := l.Copy(begun)
		broker.Kill()
		load.Wait()
		shared(t, data, backup)
		private(t, backup)
		for _, line := range checked(backup) {
			if !harmless.MatchString(line) {
				t.Errorf("the copy: %s", line)
			}
		}

		restored := filepath.Join(t.TempDir(), "restored")
		if out, err := exec.Command("cp", "-a", backup, restored).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		again := instance.Start(t, "--data-dir="+restored)
		copied.CheckFrom(t, again, "")
		for i, now := range committedBy(t, again) {
			if was := committed[i]; now.Offset < was.Offset || now.Offset > now.HighWaterMark {
				t.Errorf("committed was %+v, and is %+v", was, now)
			}
		}
		if now := joins(t, again); now < before+1<<20 {
			t.Errorf("generation %d after %d: the other life may give it out, too", now, before)
		}
		again.Produce(t, loadTopic, "text/plain", []byte("on it goes"))
		again.Stop(t)
		for _, line := range checked(restored) {
			t.Errorf("what was restored, and started: %s", line)
		}
	}
}

// checked is what a check finds, a line for each fault.
func checked(dir string) (faults []string) {
	out, err := exec.Command(instance.Binary(), "check", dir).CombinedOutput()
	if err == nil {
		return nil
	}
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, " records, ") && !strings.HasSuffix(line, " found\n") {
			faults = append(faults, line)
		}
	}
	return faults
}

// backUp runs the script of the docs.
func backUp(t *testing.T, data, backup string) {
	t.Helper()
	root, err := instance.Root()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(root, "docs", "operations", "backup.sh")
	if out, err := exec.Command(script, data, backup).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// joins gives the generation of a group that a member joins.
func joins(t *testing.T, broker *instance.Instance) (generation int64) {
	t.Helper()
	var answer struct{ Generation int64 }
	broker.Must(t, 200, "PUT", "/groups/crew/members/ann", "application/json", []byte(`{"topics":["`+loadTopic+`"]}`), &answer)
	return answer.Generation
}

// commit is where a group is in a partition.
type commit struct {
	Partition     int
	Offset        int64 `json:"committed_offset"`
	HighWaterMark int64 `json:"high_water_mark"`
}

func committedBy(t *testing.T, broker *instance.Instance) []commit {
	t.Helper()
	var answer struct{ Offsets []commit }
	broker.Must(t, 200, "GET", "/groups/g/offsets?topic="+loadTopic, "", nil, &answer)
	return answer.Offsets
}

// private wants the copy to have the mode of the data folder, not that of the umask.
func private(t *testing.T, backup string) {
	t.Helper()
	about, err := os.Stat(backup)
	if err != nil {
		t.Fatal(err)
	}
	if mode := about.Mode().Perm(); mode != 0o710 {
		t.Errorf("the copy is of mode %04o", mode)
	}
}

// The script without its arguments says what they are.
func TestBackupSaysItsArguments(t *testing.T) {
	root, err := instance.Root()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(root, "docs", "operations", "backup.sh")).CombinedOutput()
	if err == nil || string(out) != "usage: backup.sh DATA-DIR BACKUP-DIR\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// shared wants sealed segments to be the same files in both folders, and the last ones not.
func shared(t *testing.T, data, backup string) {
	t.Helper()
	links := 0
	for p := range partitions {
		folder := filepath.Join(backup, loadTopic+"-"+string(rune('0'+p)))
		logs, err := filepath.Glob(filepath.Join(folder, "*.log"))
		if err != nil || len(logs) == 0 {
			t.Fatalf("%s: %d segments (%v)", folder, len(logs), err)
		}
		for i, path := range logs {
			ours, err := os.Stat(path)
			theirs, err2 := os.Stat(filepath.Join(data, filepath.Base(folder), filepath.Base(path)))
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			switch last := i == len(logs)-1; {
			case os.SameFile(ours, theirs) && last:
				t.Errorf("%s is still written to", path)
			case os.SameFile(ours, theirs):
				links++
			}
		}
	}
	if links == 0 {
		t.Error("no segment is linked")
	}
}
