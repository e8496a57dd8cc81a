package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// history is what clients saw, for the rules that Jepsen's Kafka test holds a log to. Its clients share it.
type history struct {
	mu    sync.Mutex
	sends []send
	polls []poll
}

// send is one produced record. A send without an answer may have been stored or not.
type send struct {
	value        string
	partition    int
	began, ended time.Time
	offset       int64 // -1 without an answer
}

// spot is where a record stands.
type spot struct {
	partition int
	offset    int64
}

// poll is one answer to a client: what stood at each offset.
type poll struct {
	client int
	began  time.Time
	page   instance.Page
}

// address is where clients find the broker, which is killed and comes back.
type address struct {
	broker atomic.Pointer[instance.Instance]
}

// produce sends until stop, each value once.
func (h *history) produce(t *testing.T, at *address, client int, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		s := send{value: fmt.Sprintf("client-%d-value-%d", client, n), partition: n % partitions, began: time.Now(), offset: -1}
		body := fmt.Sprintf(`{"records":[{"value":%q,"partition":%d}]}`, s.value, s.partition)
		a, err := at.broker.Load().Call("POST", "/topics/history/records", "application/json", []byte(body))
		s.ended = time.Now()
		if err == nil && a.Status == http.StatusOK {
			var p instance.Produced
			if err := json.Unmarshal(a.Body, &p); err != nil {
				t.Error(err)
				return
			}
			s.offset = p.Offset
		}
		h.mu.Lock()
		h.sends = append(h.sends, s)
		h.mu.Unlock()
	}
}

// consume polls on from its own position until stop.
func (h *history) consume(t *testing.T, at *address, client int, stop <-chan struct{}) {
	position := ""
	for {
		select {
		case <-stop:
			return
		default:
		}
		path := "/topics/history/records?timeout_ms=20&max_records=200"
		if position != "" {
			path += "&position=" + position
		}
		p := poll{client: client, began: time.Now()}
		a, err := at.broker.Load().Call("GET", path, "", nil)
		if err != nil || a.Status != http.StatusOK {
			continue
		}
		if err := json.Unmarshal(a.Body, &p.page); err != nil {
			t.Error(err)
			return
		}
		position = p.page.Position
		h.mu.Lock()
		h.polls = append(h.polls, p)
		h.mu.Unlock()
	}
}

// check holds the history and what is stored at the end to the rules.
func (h *history) check(t *testing.T, stored map[int][]instance.Record) {
	t.Helper()
	where := map[string]spot{}
	for p, records := range stored {
		for i, r := range records {
			if r.Offset != int64(i) {
				t.Fatalf("partition %d: offset %d where %d comes next", p, r.Offset, i)
			}
			if at, twice := where[*r.Value]; twice {
				t.Fatalf("%s is at %+v and at %d:%d", *r.Value, at, p, i)
			}
			where[*r.Value] = spot{p, r.Offset}
		}
	}
	sent := map[string]bool{}
	for _, s := range h.sends {
		sent[s.value] = true
		if at, ok := where[s.value]; s.offset >= 0 && (!ok || at != (spot{s.partition, s.offset})) {
			t.Fatalf("%s was acknowledged at %d:%d; stored %v, at %+v", s.value, s.partition, s.offset, ok, at)
		}
	}
	for value := range where {
		if !sent[value] {
			t.Fatalf("%s was never sent", value)
		}
	}
	h.checkOrder(t)
	h.checkPolls(t, stored)
}

// answered walks the acknowledged sends in the order of their answers, beside points in time that come in order.
type answered struct {
	sends []send        // with an answer, by its time
	last  map[int]int64 // per partition: the largest offset that was answered so far
}

func (h *history) answered() *answered {
	a := &answered{last: map[int]int64{}}
	for _, s := range h.sends {
		if s.offset >= 0 {
			a.sends = append(a.sends, s)
		}
	}
	slices.SortFunc(a.sends, func(x, y send) int { return x.ended.Compare(y.ended) })
	for p := range partitions {
		a.last[p] = -1
	}
	return a
}

// before takes in what was answered before a time.
func (a *answered) before(t time.Time) map[int]int64 {
	for len(a.sends) > 0 && a.sends[0].ended.Before(t) {
		s := a.sends[0]
		a.last[s.partition] = max(a.last[s.partition], s.offset)
		a.sends = a.sends[1:]
	}
	return a.last
}

// checkOrder wants a send that began after another one was answered to stand after it.
func (h *history) checkOrder(t *testing.T) {
	t.Helper()
	slices.SortFunc(h.sends, func(x, y send) int { return x.began.Compare(y.began) })
	answered := h.answered()
	for _, s := range h.sends {
		if last := answered.before(s.began)[s.partition]; s.offset >= 0 && s.offset <= last {
			t.Fatalf("%s is at %d:%d, but %d was answered before it was sent", s.value, s.partition, s.offset, last)
		}
	}
}

// checkPolls wants each client to have seen every offset once, in order, with what is stored there at the end; and
// nothing that was acknowledged before a poll began to be beyond its high watermark.
func (h *history) checkPolls(t *testing.T, stored map[int][]instance.Record) {
	t.Helper()
	next := map[[2]int]int64{}
	for _, p := range h.polls { // each client's own stand in its order
		for _, r := range p.page.Records {
			key := [2]int{p.client, r.Partition}
			if r.Offset != next[key] {
				t.Fatalf("client %d: partition %d gave offset %d, %d comes next", p.client, r.Partition, r.Offset, next[key])
			}
			next[key]++
			if at := stored[r.Partition]; r.Offset >= int64(len(at)) || *at[r.Offset].Value != *r.Value {
				t.Fatalf("client %d: %d:%d held %s, and holds something else at the end", p.client, r.Partition, r.Offset, *r.Value)
			}
		}
	}
	slices.SortStableFunc(h.polls, func(x, y poll) int { return x.began.Compare(y.began) })
	answered := h.answered()
	for _, p := range h.polls {
		for partition, last := range answered.before(p.began) {
			if high := p.page.Partitions[partition].HighWaterMark; high <= last {
				t.Fatalf("%d:%d was acknowledged before a poll began that saw the end at %d", partition, last, high)
			}
		}
	}
}

// Producers and consumers side by side, the broker killed and started again in between: what each of them saw fits
// together.
func TestHistoryHoldsTogether(t *testing.T) {
	for _, fsync := range []string{"interval", "always"} {
		t.Run(fsync, func(t *testing.T) {
			args := []string{"--storage=file", "--data-dir=" + t.TempDir(), "--fsync=" + fsync}
			var at address
			at.broker.Store(instance.Start(t, args...))
			at.broker.Load().CreateTopic(t, "history", partitions, `"segment_bytes":65536`)
			h, stop := &history{}, make(chan struct{})
			var clients sync.WaitGroup
			for client := range 4 {
				clients.Go(func() { h.produce(t, &at, client, stop) })
			}
			for client := range 3 {
				clients.Go(func() { h.consume(t, &at, client, stop) })
			}
			const deaths = 5
			for death := range deaths {
				h.grow(t, (death+1)*2000)
				at.broker.Load().Kill()
				at.broker.Store(instance.Start(t, args...))
			}
			h.grow(t, (deaths+1)*2000)
			close(stop)
			clients.Wait()
			stored, _ := at.broker.Load().ReadFrom(t, "history", "")
			h.check(t, stored)
			t.Logf("%d sends and %d polls over %d kills hold together", len(h.sends), len(h.polls), deaths)
			at.broker.Load().Stop(t)
		})
	}
}

// grow waits until so many sends were made.
func (h *history) grow(t *testing.T, sends int) {
	t.Helper()
	late := time.After(2 * time.Minute)
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		h.mu.Lock()
		n := len(h.sends)
		h.mu.Unlock()
		if n >= sends {
			return
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("only %d sends of %d", n, sends)
		}
	}
}
