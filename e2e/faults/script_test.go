//go:build linux

package faults

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"flashq/e2e/instance"
	"flashq/e2e/oracle"
)

const (
	kept    = "kept"   // the topic that stays
	doomed  = "doomed" // the topic that is deleted
	appends = 50
	// retained is what the script's retention keeps: fewer bytes than its records take.
	retained = 3000
)

// script is a fixed life of a broker that comes by every kind of write: topics, appends over several segments, commits,
// retention that trims, a deletion. It knows how far it came.
type script struct {
	records *oracle.Ledger
	topics  *oracle.Topics
	commits *oracle.Commits
	trims   bool // the retention was asked for
}

func newScript() *script {
	return &script{
		records: oracle.NewLedger(kept, 1), topics: oracle.NewTopics(), commits: oracle.NewCommits(kept),
	}
}

// keptConfig rolls often; with more partitions there would be more of the same.
const keptConfig = `{"partitions":1,"segment_bytes":1024}`

// play runs the script until its end, or until the broker doesn't answer.
func (s *script) play(t *testing.T, broker *instance.Instance) bool {
	t.Helper()
	if !s.topics.Create(t, broker, kept, keptConfig, http.StatusCreated) ||
		!s.topics.Create(t, broker, doomed, `{"partitions":1}`, http.StatusCreated) {
		return false
	}
	for i := range appends {
		if !s.append(t, broker) {
			return false
		}
		if i%20 == 19 && !s.commits.Commit(t, broker, 0, int64(i)) {
			return false
		}
	}
	_, err := broker.Call("POST", "/topics/"+doomed+"/records", "text/plain", []byte("x"))
	return err == nil && s.retain(t, broker) && s.topics.Remove(t, broker, doomed, http.StatusNoContent)
}

func (s *script) append(t *testing.T, broker *instance.Instance) bool {
	t.Helper()
	switch code := s.records.Put(t, broker, 1, 0); code {
	case "":
		return true
	case oracle.NoAnswer:
	default:
		t.Errorf("append: %s", code)
	}
	return false
}

func (s *script) retain(t *testing.T, broker *instance.Instance) bool {
	t.Helper()
	s.trims = true
	a, err := broker.Call("PUT", "/topics/"+kept, "application/json", fmt.Appendf(nil, `{"retention_bytes":%d}`, retained))
	if err == nil && a.Status != http.StatusOK {
		t.Errorf("retention: status %d: %s", a.Status, a.Body)
	}
	return err == nil
}

// check holds what the next broker has against what this one acknowledged, and has it go on.
func (s *script) check(t *testing.T, broker *instance.Instance) {
	t.Helper()
	s.topics.Check(t, broker)
	s.commits.Check(t, broker)
	broker.Must(t, http.StatusOK, "GET", "/ready", "", nil, nil)
	var list struct{ Topics []string }
	broker.Must(t, http.StatusOK, "GET", "/topics", "", nil, &list)
	if !slices.Contains(list.Topics, kept) {
		if !s.topics.Create(t, broker, kept, keptConfig, http.StatusCreated) {
			t.Fatal("no topic can be made")
		}
	}
	s.checkTrimmed(t, broker)
	position := s.records.CheckFrom(t, broker, "")
	for range 3 {
		if !s.append(t, broker) {
			t.Fatal("no record can be written")
		}
	}
	s.records.CheckFrom(t, broker, position)
}

// checkTrimmed finds out what retention took, which is nothing before it was asked for and never too much.
func (s *script) checkTrimmed(t *testing.T, broker *instance.Instance) {
	t.Helper()
	var about struct {
		Details []struct{ Earliest, Bytes int64 }
	}
	broker.Must(t, http.StatusOK, "GET", "/topics/"+kept, "", nil, &about)
	d := about.Details[0]
	if d.Earliest == 0 {
		return
	}
	if !s.trims || d.Bytes < retained {
		t.Fatalf("the log begins at %d and has %d bytes; retention of %d was asked for: %v",
			d.Earliest, d.Bytes, retained, s.trims)
	}
	s.records.TrimmedBelow(0, d.Earliest)
}

// checkFolder wants no folder but those of what exists.
func checkFolder(t *testing.T, data string, topics ...string) {
	t.Helper()
	entries, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		known := slices.ContainsFunc(topics, func(topic string) bool { return strings.HasPrefix(name, topic+"-") })
		if e.IsDir() && !known && !strings.HasPrefix(name, "__") {
			t.Errorf("%s is still there", name)
		}
	}
}

// again is a script that knows what this one knows, to judge one copy of its folder.
func (s *script) again() *script {
	topics, commits := *s.topics, *s.commits
	return &script{records: s.records.Copy(time.Time{}), topics: &topics, commits: &commits, trims: s.trims}
}
