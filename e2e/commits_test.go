package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"flashq/e2e/instance"
)

// commitLedger is the oracle for one group's offsets: what was acknowledged, and what was asked for without an answer.
// churn and check take turns.
type commitLedger struct {
	topic        string
	acked, asked map[int]int64 // by partition
}

func newCommitLedger(topic string) *commitLedger {
	return &commitLedger{topic: topic, acked: map[int]int64{}, asked: map[int]int64{}}
}

// churn reads as a group and acknowledges each answer with the next call, until the broker no longer answers.
func (l *commitLedger) churn(t *testing.T, broker *instance.Instance) {
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

// check wants every commit at least where it was acknowledged, and nowhere that nobody asked for.
func (l *commitLedger) check(t *testing.T, broker *instance.Instance) {
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
