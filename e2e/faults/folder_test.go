//go:build linux

package faults

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// none excuses nothing.
var none time.Time

// refusesToStart wants exit code 1 and one line that says why.
func refusesToStart(t *testing.T, broker *instance.Instance, why string) {
	t.Helper()
	code := broker.Wait(t)
	if said := broker.Log(); code != 1 || strings.Count(said, "\n") != 1 || !strings.Contains(said, why) {
		t.Errorf("exit code %d; said, instead of %q in one line:\n%s", code, why, said)
	}
}

// A data folder that can't be written to is told in one line, be it empty or full, and stays as it is.
func TestReadOnlyFolder(t *testing.T) {
	disk := image(t, 16)
	whole := mount(t, "-o", "loop", disk)
	args := []string{"--storage=file", "--data-dir=" + filepath.Join(whole, "data")}
	broker := instance.Start(t, args...)
	s := newScript()
	if !s.play(t, broker) {
		t.Fatal("no answer")
	}
	broker.Stop(t)
	run(t, "mount", "-o", "remount,ro", whole)
	refusesToStart(t, instance.Launch(t, args...), "read-only file system")
	refusesToStart(t, instance.Launch(t, "--storage=file", "--data-dir="+filepath.Join(whole, "other")),
		"read-only file system")
	run(t, "mount", "-o", "remount,rw", whole)
	broker = instance.Start(t, args...)
	s.check(t, broker)
	broker.Stop(t)
}

// A data folder of somebody else is told in one line. The broker runs as root without root's right to pass by
// permissions, so that it needs none on the way to the folder or the binary.
func TestForeignFolder(t *testing.T) {
	data := t.TempDir()
	if err := os.Chown(data, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	plain := instance.Through{Command: []string{
		"setpriv", "--bounding-set=-dac_override,-dac_read_search", instance.Binary(),
	}}
	refusesToStart(t, plain.Launch(t, "--storage=file", "--data-dir="+data), "permission denied")
	if names, err := os.ReadDir(data); err != nil || len(names) > 0 {
		t.Errorf("the folder has %v now (%v)", names, err)
	}
}

// What is no file of the broker's stays as it is: unknown folders are reported, and a newer format is not touched.
func TestStrangersInTheFolder(t *testing.T) {
	data := t.TempDir()
	args := []string{"--storage=file", "--data-dir=" + data}
	s := newScript()
	broker := instance.Start(t, args...)
	if !s.play(t, broker) {
		t.Fatal("no answer")
	}
	broker.Stop(t)
	strangers := map[string]string{
		"notes.txt":                               "mine",
		"stranger/deep/file":                      "mine, too",
		"stranger-0/00000000000000000000.log":     "no batch",
		"stranger-x-delete.txt":                   "not what it looks like",
		kept + "-0/notes.txt":                     "mine",
		kept + "-0/0000000000000000000x.log":      "no segment",
		"__consumer_offsets-50/notes.txt":         "one shard too many",
		kept + "-1/00000000000000000000.log":      "a partition too many",
		kept + "-0/99999999999999999999.snapshot": "Kafka's",
	}
	for name, text := range strangers {
		write(t, filepath.Join(data, name), text)
	}
	broker = instance.Start(t, args...)
	for _, folder := range []string{"stranger", "stranger-0", "__consumer_offsets-50", kept + "-1"} {
		broker.Logged(t, regexp.MustCompile(`unknown folder is left alone.* folder=`+folder+`\n`))
	}
	s.check(t, broker)
	broker.Stop(t)
	write(t, filepath.Join(data, "flashq.version"), "3 2\n")
	refusesToStart(t, instance.Launch(t, args...), "data folder has format 3, this flashq reads up to 1: use the FlashQ that wrote it, or a newer one; nothing was changed")
	for name, text := range strangers {
		if found, err := os.ReadFile(filepath.Join(data, name)); err != nil || string(found) != text {
			t.Errorf("%s: %q, %v", name, found, err)
		}
	}
	write(t, filepath.Join(data, "flashq.version"), "3 1\n") // newer, and fit for this reader
	broker = instance.Start(t, args...)
	s.again().check(t, broker)
	broker.Stop(t)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
