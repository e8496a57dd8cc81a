package loadtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// streamServer sends what it is sent to all streams, through spoil: the lines that the i-th stream gets for its n-th
// record.
type streamServer struct {
	mu      sync.Mutex
	streams []chan string // values; a stream that is slow has room
	gone    chan struct{}
	spoil   func(stream, n int, value string) []string
}

func newStreamServer(t *testing.T, spoil func(stream, n int, value string) []string) (s *streamServer, url string) {
	t.Helper()
	s = &streamServer{gone: make(chan struct{}), spoil: spoil}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.gone)
		server.Close()
	})
	return s, server.URL
}

func (s *streamServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch records := strings.HasSuffix(r.URL.Path, "/records"); {
	case r.Method == http.MethodGet && records:
		s.stream(w, r)
	case r.Method == http.MethodGet:
		http.NotFound(w, r)
	case records:
		var request struct{ Records []record }
		if err := json.Unmarshal(body, &request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, one := range request.Records {
			for _, to := range s.streams {
				to <- one.Value
			}
		}
	}
}

func (s *streamServer) stream(w http.ResponseWriter, r *http.Request) {
	values := make(chan string, 1000)
	s.mu.Lock()
	number := len(s.streams)
	s.streams = append(s.streams, values)
	s.mu.Unlock()
	before, after := "data: ", "\nid: 0:1\n\n"
	if r.URL.Query().Get("follow") == "true" {
		before, after = "", "\n"
	}
	_, _ = io.WriteString(w, "\n")
	w.(http.Flusher).Flush()
	for n := 0; ; n++ {
		select {
		case <-s.gone:
			return
		case value := <-values:
			for _, v := range s.spoil(number, n, value) {
				if v == "end" {
					panic(http.ErrAbortHandler)
				}
				if v == "gap" {
					_, _ = io.WriteString(w, "event: gap\ndata: {\"from\":1}\n\n")
					continue
				}
				_, _ = fmt.Fprintf(w, "%s{\"partition\":0,\"offset\":1,\"key\":null,\"value\":\"%s\",\"headers\":null}%s", before, v, after)
			}
			w.(http.Flusher).Flush()
		}
	}
}

func TestSubscribeFindsWhatAServerDoesToStreams(t *testing.T) {
	var held string
	for name, c := range map[string]struct {
		spoil func(stream, n int, value string) []string
		want  report.Verdict
		short int
	}{
		"honest": {func(_, _ int, v string) []string { return []string{v} }, report.Verdict{}, 0},
		"drops": {func(stream, n int, v string) []string {
			if stream == 1 && n == 3 || stream == 2 && n == 59 {
				return nil
			}
			return []string{v}
		}, report.Verdict{Lost: 2}, 2},
		"doubles": {func(stream, n int, v string) []string {
			if stream == 4 && n > 57 {
				return []string{v, v}
			}
			return []string{v}
		}, report.Verdict{Doubled: 2}, 1},
		"reorders": {func(stream, n int, v string) []string {
			if stream != 0 || n < 5 || n > 7 {
				return []string{v}
			}
			switch n {
			case 5:
				held = v
				return nil
			case 6:
				return []string{v}
			}
			return []string{v, held}
		}, report.Verdict{OutOfOrder: 1}, 1},
		"tells of others": {func(stream, n int, v string) []string {
			if stream == 0 && n == 0 {
				return []string{v, "what another one has sent, in a record as long as those of ours or longer", "gap"}
			}
			return []string{v}
		}, report.Verdict{Strangers: 1}, 0},
	} {
		for _, format := range report.StreamFormats {
			onBoth(t, name+", "+format, func(t *testing.T, portable bool) {
				_, url := newStreamServer(t, c.spoil)
				r, err := Run(t.Context(), Config{Workload: report.Subscribe, Target: url, Connections: 1, Streams: 5, Rounds: 1,
					Records: 60, Rate: 2000, Load: report.Load{Answers: format, Size: 60}, portable: portable, quiet: 300 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				c.want.Acknowledged, c.want.Received = 300, 300-c.want.Lost
				if *r.Verdict != c.want || r.Streams.Short != c.short || r.Faulty() != (c.short > 0) {
					t.Errorf("found %+v, %d streams at fault; not %+v, %d", *r.Verdict, r.Streams.Short, c.want, c.short)
				}
				if got := r.Own(); got.Name != report.Subscribe || got.Records != 300-c.want.Lost+c.want.Doubled || got.Latency.P50 <= 0 {
					t.Errorf("%+v", got)
				}
				if told := strings.Contains(strings.Join(r.Notes, " "), "event: gap"); told != (name == "tells of others") {
					t.Errorf("notes %q", r.Notes)
				}
			})
		}
	}
}

// What comes of a stream is cut anywhere, and each stream by itself.
func TestRecordsOfStreamsComeInPieces(t *testing.T) {
	value := make([]byte, stampSize)
	var text strings.Builder
	for number := range int64(3) {
		putStamp(value, stamp{run: 7, number: number, meant: 5})
		fmt.Fprintf(&text, "data: {\"offset\":1,\"value\":\"%s\"}\nid: 0:1\n\n: ping\n\n", value)
	}
	for _, piece := range []int{1, 7, 64, text.Len()} {
		s, tally := newSubscribers(7, 50, 2, 1), drive.NewTally()
		for in := text.String(); len(in) > 0; in = in[min(piece, len(in)):] {
			for stream := range 2 {
				s.Take(stream, []byte(in[:min(piece, len(in))]), 9, tally)
			}
		}
		acked := numbers{}
		acked.add(0, 3)
		got, short := s.verdict([]numbers{acked})
		if want := (report.Verdict{Acknowledged: 6, Received: 6}); got != want || short != 0 || tally.Records != 6 {
			t.Errorf("in pieces of %d: %+v, %d streams at fault", piece, got, short)
		}
	}
}

// A stream that ends is told of, and what it no longer gets is lost.
func TestAStreamThatEndsIsNotOpenedAgain(t *testing.T) {
	onBoth(t, "ends", func(t *testing.T, portable bool) {
		_, url := newStreamServer(t, func(stream, n int, v string) []string {
			if stream == 1 && n == 10 {
				return []string{"end"}
			}
			return []string{v}
		})
		r, err := Run(t.Context(), Config{Workload: report.Subscribe, Target: url, Connections: 1, Streams: 3, Rounds: 1,
			Records: 30, Rate: 2000, portable: portable, quiet: 300 * time.Millisecond})
		want := report.Verdict{Acknowledged: 90, Received: 70, Lost: 20}
		if err != nil || *r.Verdict != want || r.Own().Errors["stream ended"] != 1 || r.Streams.Short != 1 {
			t.Errorf("%v; %+v, %+v", err, r.Verdict, r.Own())
		}
	})
}

func TestIdleStreamsAreHeldOpen(t *testing.T) {
	onBoth(t, "idle", func(t *testing.T, portable bool) {
		s, url := newStreamServer(t, nil)
		r, err := Run(t.Context(), Config{Workload: report.Subscribe, Target: url, Streams: 700, Rounds: 1, Duration: 1, portable: portable})
		if err != nil || r.Streams.Streams != 700 || r.Own().Failed != 0 || r.Faulty() {
			t.Fatalf("%v; %+v", err, r)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.streams) != 700 {
			t.Errorf("%d streams were opened", len(s.streams))
		}
		if err := errors.Join(r.WriteTable(io.Discard), r.WriteHTML(io.Discard), r.WriteJSON(io.Discard)); err != nil {
			t.Error(err)
		}
	})
}

func TestAServerWithoutStreamsIsExplained(t *testing.T) {
	onBoth(t, "refused", func(t *testing.T, portable bool) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.WriteHeader(http.StatusNotAcceptable)
				_, _ = io.WriteString(w, `{"error":"not_acceptable","message":"no streams here"}`)
			}
		}))
		defer s.Close()
		_, err := Run(t.Context(), Config{Workload: report.Subscribe, Target: s.URL, Streams: 2, Rate: 10, portable: portable})
		if err == nil || !strings.Contains(err.Error(), "406 not_acceptable: no streams here") {
			t.Errorf("got %v", err)
		}
	})
}
