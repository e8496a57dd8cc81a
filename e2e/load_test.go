package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"flashq/e2e/instance"
)

const (
	loadTopic = "load"
	writers   = 6
)

// load writes from several connections until the broker is gone. One of the writers calls enough, once, when that many
// requests were acknowledged. It returns when every writer has stopped.
func load(t *testing.T, broker *instance.Instance, l *ledger, acks int, enough func()) {
	t.Helper()
	goal := l.answered() + acks
	var once sync.Once
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := 0; write(t, broker, l, 1+(n*7+w)%23); n++ {
				if l.answered() >= goal {
					once.Do(enough)
				}
			}
		})
	}
	all.Wait()
	once.Do(enough) // the writers failed before
}

// write sends one request and tells whether it was acknowledged. While the broker lives it may only be refused with
// 503, because it is draining.
func write(t *testing.T, broker *instance.Instance, l *ledger, records int) bool {
	s := l.begin(records)
	a, err := broker.Call("POST", "/topics/"+loadTopic+"/records", "application/x-ndjson", body(s))
	switch {
	case err != nil:
		return false
	case a.Status == http.StatusServiceUnavailable && strings.Contains(string(a.Body), `"draining"`):
		return false
	case a.Status != http.StatusOK:
		t.Errorf("produce: status %d: %s", a.Status, a.Body)
		return false
	}
	var p instance.Produced
	if err := json.Unmarshal(a.Body, &p); err != nil || p.Count != s.count {
		t.Errorf("produce: %d records answered with %s (%v)", s.count, a.Body, err)
		return false
	}
	l.ack(s, p)
	return true
}

func body(s *sending) []byte {
	var b bytes.Buffer
	for _, ids := range s.ids {
		for _, id := range ids {
			fmt.Fprintf(&b, "{\"key\":%q,\"value\":%q}\n", id, id)
		}
	}
	return b.Bytes()
}
