package storm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashq/e2e/instance"
)

const (
	// again is how long a client waits before it asks again who was busy.
	again = 5 * time.Millisecond
	// patience bounds one request with all its tries.
	patience = 30 * time.Second
	// maxTold is how many faults are told one by one.
	maxTold = 5
)

// Storm is many clients that write to one topic.
type Storm struct {
	Topic      string
	Partitions int
	// Trimmed says that retention takes records. Where it has, and a kill before it, the broker can't tell another
	// request of as many records from the first one: it may get that one's answer, and still stores nothing.
	Trimmed bool

	proxy   *Proxy
	http    *http.Client
	mu      sync.Mutex
	clients [][]*request // by client, in the order sent
	told    int

	stored, replays, refused, answered, inFlight atomic.Int64
}

// New makes a storm of so many clients, through a proxy.
func New(topic string, partitions, clients int, p *Proxy) *Storm {
	return &Storm{
		Topic: topic, Partitions: partitions, proxy: p, clients: make([][]*request, clients),
		http: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: clients}},
	}
}

func (s *Storm) String() string {
	return fmt.Sprintf("%d requests stored, %d replayed, %d in flight, %d other bodies refused; %s",
		s.stored.Load(), s.replays.Load(), s.inFlight.Load(), s.refused.Load(), s.proxy)
}

// wrong tells a fault; only the first ones of a storm are told.
func (s *Storm) wrong(t testing.TB, format string, args ...any) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told++; s.told <= maxTold {
		t.Errorf(format, args...)
	} else {
		t.Fail()
	}
}

// Rage has all clients send requests. Once so many were answered, enough is called, in the middle of the requests that
// are under way: those are tried until they are answered, and no more begin. When they are, Rage returns.
func (s *Storm) Rage(t testing.TB, answers int, enough func()) {
	t.Helper()
	goal := s.answered.Load() + int64(answers)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var once sync.Once
	var all sync.WaitGroup
	for c := range s.clients {
		all.Go(func() {
			for s.answered.Load() < goal && ctx.Err() == nil && !t.Failed() {
				s.next(ctx, t, c)
				s.answered.Add(1)
			}
			once.Do(enough)
		})
	}
	all.Wait()
}

// next is one thing that a client does: mostly a new request, at times an older one of its own again, or another
// request under the key of an older one.
func (s *Storm) next(ctx context.Context, t testing.TB, client int) {
	mine := s.clients[client]
	dice := rand.IntN(16)
	if len(mine) == 0 || dice >= 5 {
		r := newRequest(client, len(mine), s.Partitions)
		s.clients[client] = append(mine, r) // no other client's
		s.send(ctx, t, r)
		return
	}
	old := mine[rand.IntN(len(mine))]
	if dice == 0 {
		s.misuse(ctx, t, old)
		return
	}
	s.repeat(ctx, t, old)
}

// send has a new request stored.
func (s *Storm) send(ctx context.Context, t testing.TB, r *request) {
	a := s.until(ctx, t, r, r.body)
	if a.Status == 0 {
		return
	}
	if a.Status != http.StatusOK {
		s.wrong(t, "%s (%s): %d %.300s", r.key, r.media, a.Status, a.Body)
		return
	}
	if err := json.Unmarshal(a.Body, &r.placed); err != nil || len(r.placed.Offsets) != len(r.ids) ||
		r.placed.Count != len(r.ids) {
		s.wrong(t, "%s: %d records answered with %s (%v)", r.key, len(r.ids), a.Body, err)
		return
	}
	r.answer = string(a.Body)
	s.stored.Add(1)
}

// repeat has a request answered again, with its first answer.
func (s *Storm) repeat(ctx context.Context, t testing.TB, r *request) {
	a := s.until(ctx, t, r, r.body)
	if a.Status == 0 {
		return
	}
	if string(a.Body) != r.answer || a.Header.Get("Idempotency-Replayed") != "true" {
		s.wrong(t, "%s (%s) again: %d %.300s (replayed: %q), first %s", r.key, r.media, a.Status, a.Body,
			a.Header.Get("Idempotency-Replayed"), r.answer)
	}
	s.replays.Add(1)
}

// misuse has another request refused under the key of one that is stored.
func (s *Storm) misuse(ctx context.Context, t testing.TB, r *request) {
	a := s.until(ctx, t, r, r.other)
	if a.Status == 0 {
		return
	}
	if s.Trimmed && a.Status == http.StatusOK && string(a.Body) == r.answer {
		return
	}
	if a.Status != http.StatusUnprocessableEntity || !bytes.Contains(a.Body, []byte(`"idempotency_key_reused"`)) {
		s.wrong(t, "another body under the key of %s (%s): %d %.300s", r.key, r.media, a.Status, a.Body)
	}
	s.refused.Add(1)
}

// until tries until there is an answer that no other try would change. A status of 0: time is up, and that is told.
func (s *Storm) until(ctx context.Context, t testing.TB, r *request, body []byte) instance.Answer {
	tries := time.NewTicker(again)
	defer tries.Stop()
	for {
		a, err := s.try(ctx, r, body)
		var busy bool
		switch {
		case err != nil:
			busy = false // at once: that is what a storm is
		case a.Status == http.StatusConflict && bytes.Contains(a.Body, []byte(`"idempotency_in_flight"`)):
			s.inFlight.Add(1)
			busy = true
		case a.Status == http.StatusServiceUnavailable || a.Status == http.StatusTooManyRequests:
			busy = true
		default:
			return a
		}
		if busy {
			select {
			case <-tries.C:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			s.wrong(t, "%s: no answer in time; the last try: %v, %d %s", r.key, err, a.Status, a.Body)
			return instance.Answer{}
		}
	}
}

func (s *Storm) try(ctx context.Context, r *request, body []byte) (instance.Answer, error) {
	url := "http://" + s.proxy.Addr + "/topics/" + s.Topic + "/records?" + r.query
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return instance.Answer{}, err
	}
	req.Header.Set("Content-Type", r.media)
	req.Header.Set("Idempotency-Key", r.key)
	res, err := s.http.Do(req)
	if err != nil {
		return instance.Answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return instance.Answer{Status: res.StatusCode, Header: res.Header, Body: text}, err
}

// each does one thing about one in so many of the requests that were answered, all clients at once.
func (s *Storm) each(t testing.TB, oneIn int, do func(context.Context, testing.TB, *request)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	for _, sent := range s.clients {
		all.Go(func() {
			for i, r := range sent {
				if i%oneIn == 0 && r.answer != "" && !t.Failed() {
					do(ctx, t, r)
				}
			}
		})
	}
	all.Wait()
}
