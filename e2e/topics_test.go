package e2e

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"flashq/e2e/instance"
)

// topicLedger is the oracle for topics: an acknowledged creation or deletion holds, and one without an answer can be
// asked for again. churn belongs to one goroutine, check to the test's while that one doesn't run.
type topicLedger struct {
	exist   map[string]bool
	made    int
	pending func(t *testing.T, broker *instance.Instance) // what the broker's death left open; nil is nothing
}

func newTopicLedger(there ...string) *topicLedger {
	l := &topicLedger{exist: map[string]bool{}}
	for _, name := range there {
		l.exist[name] = true
	}
	return l
}

// churn makes and deletes topics until the broker is gone; of each run the first one stays.
func (l *topicLedger) churn(t *testing.T, broker *instance.Instance) {
	for first := true; ; first = false {
		l.made++
		name := "topic-" + strconv.Itoa(l.made)
		if !l.create(t, broker, name, http.StatusCreated) || !first && !l.remove(t, broker, name, http.StatusNoContent) {
			return
		}
	}
}

// create makes a topic and tells whether the broker answered.
func (l *topicLedger) create(t *testing.T, broker *instance.Instance, name string, statuses ...int) bool {
	a, err := broker.Call("PUT", "/topics/"+name, "application/json", []byte(`{"partitions":2}`))
	if err != nil {
		l.pending = func(t *testing.T, b *instance.Instance) { l.create(t, b, name, http.StatusCreated, http.StatusOK) }
		return false
	}
	if !slices.Contains(statuses, a.Status) {
		t.Errorf("create %s: status %d: %s", name, a.Status, a.Body)
	}
	l.exist[name] = true
	return true
}

// remove deletes a topic and tells whether the broker answered.
func (l *topicLedger) remove(t *testing.T, broker *instance.Instance, name string, statuses ...int) bool {
	a, err := broker.Call("DELETE", "/topics/"+name, "", nil)
	if err != nil {
		l.pending = func(t *testing.T, b *instance.Instance) {
			l.remove(t, b, name, http.StatusNoContent, http.StatusNotFound)
		}
		return false
	}
	if !slices.Contains(statuses, a.Status) {
		t.Errorf("delete %s: status %d: %s", name, a.Status, a.Body)
	}
	delete(l.exist, name)
	return true
}

// check finishes what was left open, and compares the list.
func (l *topicLedger) check(t *testing.T, broker *instance.Instance) {
	t.Helper()
	if finish := l.pending; finish != nil {
		l.pending = nil
		finish(t, broker)
	}
	var answer struct{ Topics []string }
	broker.Must(t, http.StatusOK, "GET", "/topics", "", nil, &answer)
	if want := slices.Sorted(maps.Keys(l.exist)); !slices.Equal(answer.Topics, want) {
		t.Fatalf("topics after kill -9 are %v instead of %v", answer.Topics, want)
	}
}
