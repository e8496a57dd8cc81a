package loadtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"flashq/loadtest/report"
)

// keyServer answers as a server with Idempotency-Keys does, or almost.
type keyServer struct {
	mu       sync.Mutex
	first    map[string]string // answers by key
	requests int
	answer   func(w http.ResponseWriter, first, fresh string)
}

func (s *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.ReadAll(r.Body)
	if r.Method != http.MethodPost {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	fresh := fmt.Sprintf(`{"offset":%d}`, s.requests)
	key := r.Header.Get("Idempotency-Key")
	if first, known := s.first[key]; known && key != "" {
		s.answer(w, first, fresh)
		return
	}
	s.first[key] = fresh
	_, _ = io.WriteString(w, fresh)
}

func TestReplaysHaveToBeAnsweredAsTheFirstTime(t *testing.T) {
	marked := func(w http.ResponseWriter) { w.Header().Set("Idempotency-Replayed", "true") }
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, first, fresh string)
		want   report.Replays
	}{
		"honest": {func(w http.ResponseWriter, first, _ string) {
			marked(w)
			_, _ = io.WriteString(w, first)
		}, report.Replays{Answered: 40}},
		"appends again": {func(w http.ResponseWriter, _, fresh string) {
			_, _ = io.WriteString(w, fresh)
		}, report.Replays{Answered: 40, Unmarked: 40, Different: 40}},
		"does not tell": {func(w http.ResponseWriter, first, _ string) {
			_, _ = io.WriteString(w, first)
		}, report.Replays{Answered: 40, Unmarked: 40}},
		"forgets the offset": {func(w http.ResponseWriter, _, fresh string) {
			marked(w)
			_, _ = io.WriteString(w, fresh)
		}, report.Replays{Answered: 40, Different: 40}},
	} {
		onBoth(t, name, func(t *testing.T, portable bool) {
			keys := &keyServer{first: map[string]string{}, answer: c.answer}
			s := httptest.NewServer(keys)
			defer s.Close()
			r, err := Run(t.Context(), Config{Target: s.URL, SkipNoop: true, Connections: 1, Rounds: 2, Records: 100, portable: portable,
				Replay: 0.25, Load: report.Load{Idempotent: true}})
			if err != nil {
				t.Fatal(err)
			}
			keys.mu.Lock()
			defer keys.mu.Unlock()
			if got := *r.Replays; got != c.want || r.Faulty() != (name != "honest") {
				t.Errorf("found %+v, not %+v", got, c.want)
			}
			if own := r.Own(); own.OK != 200 || own.Records != 160 || keys.requests != 200 || len(keys.first) != 160 {
				t.Errorf("%d ok, %d records; %d requests came with %d keys", own.OK, own.Records, keys.requests, len(keys.first))
			}
		})
	}
}

// A key that is new and answered as a replay would hide that nothing was stored.
func TestANewKeyIsNoReplay(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		w.Header().Set("Idempotency-Replayed", "true")
	}))
	defer s.Close()
	if _, err := Run(t.Context(), Config{Target: s.URL, SkipNoop: true, Rounds: 1, Records: 5, Load: report.Load{Idempotent: true}}); err == nil {
		t.Error("no error")
	}
}
