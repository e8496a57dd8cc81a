//go:build linux

package faults

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"flashq/e2e/instance"
)

// stuff leaves no block free on a disk: a file there takes them all.
func stuff(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// offsetsLogs is the size of all logs of commits.
func offsetsLogs(t *testing.T, data string) (bytes int64) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(data, "__consumer_offsets-*", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range logs {
		if st, err := os.Stat(name); err == nil { // else it has just gone
			bytes += st.Size()
		}
	}
	return bytes
}

// On a disk without a block, what groups committed in deleted topics goes out of their logs, as do deleted groups; also
// after a kill and a restart there. What stays is whole, and commits go on when there is room.
func TestCommitsGoOnAFullDisk(t *testing.T) {
	disk := mount(t, "-t", "tmpfs", "-o", "size=16m", "tmpfs")
	data, filler := filepath.Join(disk, "data"), filepath.Join(disk, "filler")
	args := []string{"--storage=file", "--data-dir=" + data}
	broker := instance.Start(t, args...)
	const partitions = 50
	commit := func(group, topic string) {
		t.Helper()
		var all []string
		for p := range partitions {
			all = append(all, fmt.Sprintf(`{"topic":%q,"partition":%d,"offset":1,"metadata":%q}`, topic, p, strings.Repeat("m", 900)))
		}
		body := []byte(`{"offsets":[` + strings.Join(all, ",") + `]}`)
		broker.Must(t, http.StatusOK, "POST", "/groups/"+group+"/offsets", "application/json", body, nil)
	}
	for _, topic := range []string{"keep", "gone", "next"} {
		broker.CreateTopic(t, topic, partitions)
		for p := range partitions {
			broker.Produce(t, topic, "application/json", fmt.Appendf(nil, `{"records":[{"value":"x","partition":%d}]}`, p))
		}
	}
	for _, group := range []string{"g", "h"} {
		for _, topic := range []string{"gone", "next", "keep"} {
			commit(group, topic)
			commit(group, topic) // overtakes
		}
	}
	smaller := func(what string, than int64) int64 {
		t.Helper()
		instance.Eventually(t, what+": the logs of commits shrink", func() bool { return offsetsLogs(t, data) <= than })
		return offsetsLogs(t, data)
	}
	const one = partitions * 900 // bytes of a group's commits in a topic, and more
	whole := offsetsLogs(t, data)
	stuff(t, filler)
	broker.Must(t, http.StatusNoContent, "DELETE", "/topics/gone", "", nil, nil)
	less := smaller("a deleted topic", whole-6*one)
	broker.Kill()
	stuff(t, filler)
	broker = instance.Start(t, args...)
	stuff(t, filler)
	broker.Must(t, http.StatusNoContent, "DELETE", "/groups/h", "", nil, nil)
	least := smaller("a deleted group, after a restart", less-one)
	stuff(t, filler)
	broker.Must(t, http.StatusNoContent, "DELETE", "/topics/next", "", nil, nil)
	end := smaller("another topic", least-one)
	broker.Kill()
	stuff(t, filler)
	broker = instance.Start(t, args...)
	broker.Must(t, http.StatusNotFound, "GET", "/groups/h", "", nil, nil)
	var g struct{ Offsets []struct{ Topic string } }
	broker.Must(t, http.StatusOK, "GET", "/groups/g", "", nil, &g)
	if len(g.Offsets) != partitions || g.Offsets[0].Topic != "keep" {
		t.Errorf("%d commits are left", len(g.Offsets))
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	commit("g", "keep")
	broker.Stop(t)
	fmt.Printf("commits on a full disk: their logs took %d bytes, then %d, %d and %d\n", whole, less, least, end)
}
