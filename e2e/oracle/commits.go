package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"

	"flashq/e2e/instance"
)

// Commits is the oracle for one group's offsets: what was acknowledged, and what was asked for without an answer.
// Churn and check take turns.
type Commits struct {
	topic        string
	acked, asked map[int]int64 // by partition
}

// NewCommits is for group g on one topic, which it has never read.
func NewCommits(topic string) *Commits {
	return &Commits{topic: topic, acked: map[int]int64{}, asked: map[int]int64{}}
}

// Churn reads as a group and acknowledges each answer with the next call, until the broker no longer answers.
func (l *Commits) Churn(t testing.TB, broker *instance.Instance) {
	path := "/topics/" + l.topic + "/records?group=g&timeout_ms=20&max_records=50"
	for ack := ""; ; {
		a, err := broker.Call("GET", path+ack, "", nil)
		if err != nil {
			return
		}
		var page instance.Page
		if err := json.Unmarshal(a.Body, &page); err != nil || a.Status != http.StatusOK {
			t.Errorf("%s: status %d: %s", path+ack, a.Status, a.Body)
			return
		}
		maps.Copy(l.acked, l.asked)
		for _, p := range page.Partitions {
			l.asked[p.Partition] = p.NextOffset
		}
		ack = "&ack=" + page.Position
	}
}

// Commit commits one offset and tells whether the broker answered.
func (l *Commits) Commit(t testing.TB, broker *instance.Instance, partition int, offset int64) bool {
	t.Helper()
	l.asked[partition] = offset
	body := fmt.Sprintf(`{"offsets":[{"topic":%q,"partition":%d,"offset":%d}]}`, l.topic, partition, offset)
	a, err := broker.Call("POST", "/groups/g/offsets", "application/json", []byte(body))
	if err != nil {
		return false
	}
	if a.Status != http.StatusOK {
		t.Errorf("commit: status %d: %s", a.Status, a.Body)
		return false
	}
	l.acked[partition] = offset
	return true
}

// Check wants every commit at least where it was acknowledged, and nowhere that nobody asked for.
func (l *Commits) Check(t testing.TB, broker *instance.Instance) {
	t.Helper()
	var group struct {
		Offsets []struct {
			Partition int
			Committed *int64 `json:"committed_offset"`
		}
	}
	if len(l.acked) > 0 {
		broker.Must(t, http.StatusOK, "GET", "/groups/g/offsets?topic="+l.topic, "", nil, &group)
	}
	found := map[int]int64{}
	for _, o := range group.Offsets {
		if o.Committed != nil {
			found[o.Partition] = *o.Committed
		}
	}
	for p, acked := range l.acked {
		if found[p] < acked || found[p] > max(acked, l.asked[p]) {
			t.Fatalf("partition %d: committed %d; acknowledged %d, asked for %d", p, found[p], acked, l.asked[p])
		}
	}
	maps.Copy(l.acked, found)
	l.asked = maps.Clone(l.acked)
}
