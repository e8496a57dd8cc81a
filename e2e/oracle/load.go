package oracle

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// writers is how many connections Load writes on.
const writers = 6

// Load writes from several connections until the broker is gone. One of the writers calls enough, once, when that many
// requests were acknowledged. It returns when every writer has stopped.
func (l *Ledger) Load(t testing.TB, broker *instance.Instance, acks int, enough func()) {
	t.Helper()
	before := l.Answered()
	goal := before + acks
	began := time.Now()
	var once sync.Once
	reached := func() {
		l.mu.Lock()
		l.busy += time.Since(began)
		l.rated += l.acked - before
		l.mu.Unlock()
		enough()
	}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := 0; l.write(t, broker, 1+(n*7+w)%23); n++ {
				if l.Answered() >= goal {
					once.Do(reached)
				}
			}
		})
	}
	all.Wait()
	once.Do(reached) // the writers failed before
}

// write sends one request and tells whether it was acknowledged. While the broker lives it may only be refused because
// it is draining.
func (l *Ledger) write(t testing.TB, broker *instance.Instance, records int) bool {
	t.Helper()
	switch code := l.Put(t, broker, records, 0); code {
	case "":
		return true
	case NoAnswer, "draining":
	default:
		t.Errorf("produce: %s", code)
	}
	return false
}

// NoAnswer is what Put gives when no whole answer came.
const NoAnswer = "no answer"

// Put sends one request of so many records, the first of them at least size bytes large, and notes its answer. It gives
// the error code of the answer, "" for an acknowledgement. Only a 503 is an answer to expect.
func (l *Ledger) Put(t testing.TB, broker *instance.Instance, records, size int) string {
	t.Helper()
	return l.PutIn(t, broker, -1, records, size)
}

// PutIn is Put for one partition; -1 leaves it to the keys.
func (l *Ledger) PutIn(t testing.TB, broker *instance.Instance, partition, records, size int) string {
	t.Helper()
	s, path := l.begin(partition, records, size), "/topics/"+l.Topic+"/records"
	if partition >= 0 {
		path += "?partition=" + strconv.Itoa(partition)
	}
	a, err := broker.Call("POST", path, "application/x-ndjson", s.ndjson())
	if err != nil {
		return NoAnswer
	}
	if a.Status != http.StatusOK {
		code := instance.Refusal(t, a)
		if code == "disk_full" {
			l.refuse(s) // it says that nothing was stored
		}
		return code
	}
	var p instance.Produced
	if err := json.Unmarshal(a.Body, &p); err != nil || p.Count != s.count {
		t.Errorf("produce: %d records answered with %s (%v)", s.count, a.Body, err)
		return NoAnswer
	}
	l.ack(s, p)
	return ""
}
