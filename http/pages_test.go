package http

import (
	"fmt"
	"io"
	"sync"
	"testing"

	"flashq/actor"
	"flashq/broker"
)

// hanging is an engine whose first listing of topics waits, so that others come meanwhile.
type hanging struct {
	broker.Broker

	once    sync.Once
	listing chan struct{} // closed when somebody lists
	goOn    chan struct{}
	lists   int // how often it was listed
	mu      sync.Mutex
}

func (h *hanging) EachTopic(visit func(t broker.Topic) bool) {
	h.mu.Lock()
	h.lists++
	h.mu.Unlock()
	h.once.Do(func() {
		close(h.listing)
		<-h.goOn
	})
	h.Broker.EachTopic(visit)
}

// Who asks while a page is written gets the same one, and what it holds is given back.
func TestAPageIsShared(t *testing.T) {
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	h := &hanging{Broker: engine, listing: make(chan struct{}), goOn: make(chan struct{})}
	f := serve(t, Config{Broker: h})
	f.produce("/topics/news/records", `{"value":"a"}`)
	const others = 5
	bodies := make(chan string, 1+others)
	get := func() {
		res, err := f.client.Get("http://flashq/metrics")
		if err != nil {
			bodies <- err.Error()
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		bodies <- string(text)
	}
	go get()
	<-h.listing
	for range others {
		go get()
	}
	eventually(t, "all wait", func() bool { return f.s.pages.waiting() == others })
	close(h.goOn)
	first := <-bodies
	parsePage(t, first).want(t, sample(1, "flashq_records_produced_total", "topic", "news"))
	for range others {
		if got := <-bodies; got != first {
			t.Errorf("another page: %d bytes, and %d", len(got), len(first))
		}
	}
	if h.lists != 1 {
		t.Errorf("topics were listed %d times", h.lists)
	}
	eventually(t, "what was held is given back", func() bool { return f.s.bounds.answers.Used() == 0 })
}

// A page that there is no room for is refused, and what it held is given back.
func TestAPageWithoutRoom(t *testing.T) {
	f := start(t, Config{})
	for i := range 40 {
		f.createTopic(fmt.Sprint("t", i), `{"partitions":256}`)
	}
	taken := f.s.bounds.answers.Limit() - 300<<10
	if !f.s.bounds.answers.Take(taken) || !f.s.bounds.answers.Take(0) {
		t.Fatal("nothing to take")
	}
	f.get("/metrics").wantError(t, 429, "overloaded")
	f.s.bounds.answers.Give(taken)
	eventually(t, "what was held is given back", func() bool { return f.s.bounds.answers.Used() == 0 })
	if a := f.get("/metrics").want(t, 200); len(a.body) < 1<<20 {
		t.Errorf("the page of 10240 partitions has %d bytes", len(a.body))
	}
}
