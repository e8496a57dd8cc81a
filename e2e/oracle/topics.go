package oracle

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"flashq/e2e/instance"
)

// Topics is the oracle for topics: an acknowledged creation or deletion holds, and one without an answer can be
// asked for again. Churn belongs to one goroutine, Check to the test's while that one doesn't run.
type Topics struct {
	exist   map[string]bool
	made    int
	pending func(t testing.TB, broker *instance.Instance) // what the broker's death left open; nil is nothing
}

// NewTopics knows of topics that are there already.
func NewTopics(there ...string) *Topics {
	l := &Topics{exist: map[string]bool{}}
	for _, name := range there {
		l.exist[name] = true
	}
	return l
}

// Churn makes and deletes topics until the broker is gone; of each run the first one stays.
func (l *Topics) Churn(t testing.TB, broker *instance.Instance) {
	for first := true; ; first = false {
		l.made++
		name := "topic-" + strconv.Itoa(l.made)
		if !l.Create(t, broker, name, `{"partitions":2}`, http.StatusCreated) || !first && !l.Remove(t, broker, name, http.StatusNoContent) {
			return
		}
	}
}

// Create makes a topic from the JSON of its configuration and tells whether the broker answered, with one of statuses.
func (l *Topics) Create(t testing.TB, broker *instance.Instance, name, config string, statuses ...int) bool {
	t.Helper()
	a, err := broker.Call("PUT", "/topics/"+name, "application/json", []byte(config))
	if err != nil {
		l.pending = func(t testing.TB, b *instance.Instance) {
			l.Create(t, b, name, config, http.StatusCreated, http.StatusOK)
		}
		return false
	}
	if !slices.Contains(statuses, a.Status) {
		t.Errorf("create %s: status %d: %s", name, a.Status, a.Body)
	}
	l.exist[name] = true
	return true
}

// Remove deletes a topic and tells whether the broker answered.
func (l *Topics) Remove(t testing.TB, broker *instance.Instance, name string, statuses ...int) bool {
	t.Helper()
	a, err := broker.Call("DELETE", "/topics/"+name, "", nil)
	if err != nil {
		l.pending = func(t testing.TB, b *instance.Instance) {
			l.Remove(t, b, name, http.StatusNoContent, http.StatusNotFound)
		}
		return false
	}
	if !slices.Contains(statuses, a.Status) {
		t.Errorf("delete %s: status %d: %s", name, a.Status, a.Body)
	}
	delete(l.exist, name)
	return true
}

// Check finishes what was left open, and compares the list.
func (l *Topics) Check(t testing.TB, broker *instance.Instance) {
	t.Helper()
	if finish := l.pending; finish != nil {
		l.pending = nil
		finish(t, broker)
	}
	var answer struct{ Topics []string }
	broker.Must(t, http.StatusOK, "GET", "/topics", "", nil, &answer)
	if want := slices.Sorted(maps.Keys(l.exist)); !slices.Equal(answer.Topics, want) {
		t.Fatalf("the topics are %v instead of %v", answer.Topics, want)
	}
}
