//go:build linux

package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"flashq/e2e/instance"
	"flashq/e2e/oracle"
)

// A disk without room refuses writes as disk_full and loses nothing; reads go on, and so do writes once there is room
// again, without a restart. Room comes from a stranger's file that goes, and from a topic that is deleted.
func TestFullDisk(t *testing.T) {
	for _, row := range []struct {
		name  string
		args  []string
		topic string // how the topic is configured
	}{
		{"always", []string{"--fsync=always"}, ""},
		{"interval", nil, ""},
		{"rolling", nil, `"segment_bytes":65536`},
	} {
		t.Run(row.name, func(t *testing.T) {
			disk := mount(t, "-t", "tmpfs", "-o", "size=8m", "tmpfs")
			args := append([]string{"--storage=file", "--data-dir=" + filepath.Join(disk, "data")}, row.args...)
			broker := instance.Start(t, args...)
			l, ballast := newDiskLedger(t, broker, "news", row.topic), newDiskLedger(t, broker, "ballast", row.topic)
			filler := filepath.Join(disk, "filler")
			if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			for ballast.Acknowledged() < 20 {
				accepts(t, ballast.Put(t, broker, 1, 100_000), "")
			}
			fill(t, broker, l)
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				accepts(t, l.Put(t, broker, 3, 1000), "")
			}
			fill(t, broker, l)
			ballast.CheckFrom(t, broker, "")
			changes(t, broker, http.StatusServiceUnavailable, http.StatusServiceUnavailable)
			broker.Kill()
			broker = instance.Start(t, args...) // on the full disk
			fill(t, broker, l)
			broker.Must(t, http.StatusNoContent, "DELETE", "/topics/ballast", "", nil, nil)
			instance.Eventually(t, "a write goes through", func() bool { return l.Put(t, broker, 3, 1000) == "" })
			instance.Eventually(t, "the deleted topic's files are gone", func() bool {
				left, err := filepath.Glob(filepath.Join(disk, "data", "*-delete"))
				return err == nil && len(left) == 0
			})
			changes(t, broker, http.StatusCreated, http.StatusOK)
			broker.Must(t, http.StatusOK, "GET", "/ready", "", nil, nil)
			position := l.CheckFrom(t, broker, "")
			broker.Stop(t)

			broker = instance.Start(t, args...)
			changes(t, broker, http.StatusOK, http.StatusOK)
			accepts(t, l.Put(t, broker, 3, 0), "")
			l.CheckFrom(t, broker, position)
			all, _ := broker.ReadFrom(t, "news", "")
			l.CheckAll(t, all)
			broker.Stop(t)
			fmt.Printf("full disk, %s: %s\n", row.name, l)
		})
	}
}

func newDiskLedger(t *testing.T, broker *instance.Instance, topic, config string) *oracle.Ledger {
	t.Helper()
	fields := []string{}
	if config != "" {
		fields = append(fields, config)
	}
	broker.CreateTopic(t, topic, 1, fields...)
	return oracle.NewLedger(topic, 1)
}

// changes makes a topic and commits as a group, both of which the first time needs new files, and wants those answers.
func changes(t *testing.T, broker *instance.Instance, create, commit int) {
	t.Helper()
	for _, one := range []struct {
		status             int
		method, path, body string
	}{
		{create, "PUT", "/topics/more", `{"partitions":3}`},
		{commit, "POST", "/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":1}]}`},
	} {
		a := broker.Must(t, one.status, one.method, one.path, "application/json", []byte(one.body), nil)
		if one.status == http.StatusServiceUnavailable {
			accepts(t, instance.Refusal(t, a), "disk_full")
		}
	}
}

// fill writes ever smaller requests until not even the smallest finds room, and reads what is there.
func fill(t *testing.T, broker *instance.Instance, l *oracle.Ledger) {
	t.Helper()
	refusals := 0
	for size := 200_000; size > 100; size /= 3 {
		for code := ""; code == ""; {
			code = accepts(t, l.Put(t, broker, 2, size), "", "disk_full")
		}
		refusals++
	}
	var not struct{ Reason string }
	broker.Must(t, http.StatusServiceUnavailable, "GET", "/ready", "", nil, &not)
	if not.Reason != "disk_full" || refusals == 0 {
		t.Errorf("/ready says %s", not.Reason)
	}
	all, _ := broker.ReadFrom(t, l.Topic, "")
	l.Copy(none).Check(t, all)
}

// A limit on file sizes tears a write at its byte. What was acknowledged is there after a restart without the limit.
func TestTornWrites(t *testing.T) {
	const first, last = 300, 2600
	codes := map[string]int{}
	runs, _ := spread(t, last-first, "FLASHQ_TEARS", 30, func(t *testing.T, n int) int {
		data := t.TempDir()
		args := []string{"--storage=file", "--data-dir=" + data}
		limit := instance.Through{Command: []string{"prlimit", fmt.Sprintf("--fsize=%d", first+n), instance.Binary()}}
		broker := limit.Launch(t, args...)
		broker.Listening(t)
		l := newDiskLedger(t, broker, "t", "")
		code := ""
		for n := 0; n < 100 && code == ""; n++ {
			code = l.Put(t, broker, 1+n%3, 0)
		}
		codes[code]++
		if code == "" || code == oracle.NoAnswer {
			t.Fatalf("at last the answer is %q", code)
		}
		again := l.Put(t, broker, 1, 0)
		l.Copy(none).CheckFrom(t, broker, "")
		broker.Terminate()
		exit := broker.Wait(t)
		if again == "" || exit > 1 || exit < 0 {
			t.Errorf("first %s, then %q; exit code %d", code, again, exit)
		}
		next := instance.Start(t, args...)
		l.CheckFrom(t, next, "")
		accepts(t, l.Put(t, next, 5, 0), "")
		next.Stop(t)
		return 1
	})
	fmt.Printf("torn writes: files cut off at %d sizes, then the answers were %v\n", runs, codes)
}
