package loadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashq/actor"
	flashqhttp "flashq/http"
	"flashq/loadtest/drive"
	"flashq/loadtest/drive/drivetest"
	"flashq/loadtest/report"
)

// broker starts a FlashQ in this process and gives its address.
func broker(t *testing.T) string {
	t.Helper()
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := flashqhttp.New(flashqhttp.Config{Broker: engine})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		err := errors.Join(server.Shutdown(context.Background()), engine.Close())
		if served := <-served; err != nil || served != nil && !errors.Is(served, net.ErrClosed) {
			t.Error(err, served)
		}
	})
	return l.Addr().String()
}

// proxy stands in front of a server and does something to the first fetch that answers with several records.
func proxy(t *testing.T, to string, spoil func(lines [][]byte) [][]byte) string {
	t.Helper()
	var once sync.Once
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: to})
	p.Transport = &http.Transport{DisableKeepAlives: true}
	p.ModifyResponse = func(r *http.Response) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		lines := bytes.SplitAfter(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
		if r.Request.Method == http.MethodGet && r.Header.Get("FlashQ-Position") != "" && len(lines) > 3 {
			lines[len(lines)-1] = append(lines[len(lines)-1], '\n')
			once.Do(func() { body = bytes.Join(spoil(lines), nil) })
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return nil
	}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// onBoth runs a test with this system's load generation and with that of every system.
func onBoth(t *testing.T, name string, test func(t *testing.T, portable bool)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { test(t, false) })
	t.Run(name+", portable", func(t *testing.T) { test(t, true) })
}

func TestEndToEndFindsWhatAServerDoesToRecords(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(lines [][]byte) [][]byte
		want  report.Verdict
	}{
		"honest":    {func(l [][]byte) [][]byte { return l }, report.Verdict{}},
		"drops":     {func(l [][]byte) [][]byte { return l[2:] }, report.Verdict{Lost: 2}},
		"doubles":   {func(l [][]byte) [][]byte { return append(l, l[1]) }, report.Verdict{Doubled: 1}},
		"reorders":  {func(l [][]byte) [][]byte { l[0], l[1] = l[1], l[0]; return l }, report.Verdict{OutOfOrder: 1}},
		"garbles":   {func(l [][]byte) [][]byte { l[0] = garbled(l[0]); return l }, report.Verdict{Lost: 1, Strangers: 1}},
		"ends late": {func(l [][]byte) [][]byte { return append(l[1:], l[0]) }, report.Verdict{OutOfOrder: 1}},
	} {
		onBoth(t, name, func(t *testing.T, portable bool) {
			r, err := Run(t.Context(), Config{Workload: report.EndToEnd, Target: "http://" + proxy(t, broker(t), c.spoil),
				Load: report.Load{Size: 60, Batch: 10, Format: "ndjson"}, Connections: 1, Rounds: 1, Records: 200,
				portable: portable})
			if err != nil {
				t.Fatal(err)
			}
			c.want.Acknowledged, c.want.Received = 200, 200-c.want.Lost
			if *r.Verdict != c.want || r.Faulty() != (name != "honest") {
				t.Errorf("found %+v, not %+v", *r.Verdict, c.want)
			}
			if got := r.Own(); got.Name != report.EndToEnd || got.Records != 200-c.want.Lost+c.want.Doubled || got.Latency.P50 <= 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func garbled(line []byte) []byte {
	return bytes.Replace(line, []byte(`"value":"`), []byte(`"value":"x`), 1)
}

func TestEndToEndReadsAllPartitionsOfATopicThatHasRecords(t *testing.T) {
	address := broker(t)
	c := Config{Workload: report.EndToEnd, Target: "http://" + address, Topic: "mine", Connections: 5, Consumers: 3, Rounds: 2,
		Load: report.Load{Partitions: 4, Keys: 20, Batch: 3}, Records: 600, Rate: 6000}
	for range 2 { // the second run finds the first one's records, and reads its own alone
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if want := (report.Verdict{Acknowledged: 1200, Received: 1200}); *r.Verdict != want {
			t.Errorf("found %+v, not %+v", *r.Verdict, want)
		}
	}
	there, err := newAPI(address, time.Second).extents(t.Context(), "mine")
	if err != nil || len(there) != 4 || records(there) != 2400 {
		t.Errorf("%v; the topic has %+v", err, there)
	}
}

// A poll that is empty in the middle of a run is not the end.
func TestEndToEndWaitsForWhatIsDueLate(t *testing.T) {
	r, err := Run(t.Context(), Config{Workload: report.EndToEnd, Target: "http://" + broker(t), Rounds: 1, Records: 3, Rate: 3,
		Connections: 1})
	if want := (report.Verdict{Acknowledged: 3, Received: 3}); err != nil || *r.Verdict != want {
		t.Errorf("%v; found %+v", err, r)
	}
	if empty := r.Own().OK - 3; empty < 1 {
		t.Errorf("no poll was empty: %+v", r.Own())
	}
}

func TestARecordOfAFailedRequestIsNotLost(t *testing.T) {
	v := newVerifier(50)
	v.arrive(0, stamp{run: v.id, producer: 1, number: 7}, 1) // the answer was lost, the record not
	v.acknowledge(1, 8, 2)
	v.arrive(0, stamp{run: v.id, producer: 1, number: 9}, 2)
	want := report.Verdict{Acknowledged: 2, Received: 2, Lost: 1, Unacknowledged: 1}
	if got := v.verdict(); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
}

func TestStampsAreReadAsWritten(t *testing.T) {
	text := bytes.Repeat([]byte("#"), stampSize+3)
	want := stamp{run: 1<<32 - 1, producer: 99_999, number: 1e12 - 1, meant: 1<<63 - 1}
	putStamp(text, want)
	if got, ok := readStamp(text); !ok || got != want || !strings.HasSuffix(string(text), " ###") {
		t.Errorf("%q is read as %+v, %v", text, got, ok)
	}
	for _, other := range []string{"", "short", strings.Repeat("x ", 40), strings.Repeat("1", 60)} {
		if s, ok := readStamp([]byte(other)); ok {
			t.Errorf("%q is read as %+v", other, s)
		}
	}
}

func TestConsumeReadsWholeAnswersOfWhatItFilled(t *testing.T) {
	address := broker(t)
	c := Config{Workload: report.Consume, Target: "http://" + address, Topic: "read", Connections: 3, Rounds: 2,
		Load: report.Load{Partitions: 3, Batch: 50, Size: 20_000}, Records: 2000}
	for range 2 { // the second run fills no more
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		noop, own := r.Sides[0], r.Sides[1]
		if own.Records != 4000 || own.Failed != 0 || own.Bytes < 20_000*own.PerSec.Average || r.Speed == nil {
			t.Errorf("%+v", *own)
		}
		if a, b := own.Bytes/own.Requests, noop.Bytes/noop.Requests; a < b*0.99 || a > b*1.01 {
			t.Errorf("answers have %v bytes, those of the bare server %v", a, b)
		}
	}
	if there, err := newAPI(address, time.Second).extents(t.Context(), "read"); err != nil || records(there) > 5000 {
		t.Errorf("%v; filled twice: %+v", err, there)
	}
	c.Batch, c.Topic = 500, "few"
	c.Size, c.Partitions = 50_000, 10
	if _, err := Run(t.Context(), c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "a smaller --batch") {
		t.Errorf("got %v", err)
	}
}

// Two formats of one server in turn: the ratio is of records, as their bytes differ.
func TestOneFormatIsMeasuredBesideAnother(t *testing.T) {
	address := broker(t)
	for _, workload := range []string{report.Produce, report.Consume} {
		r, err := Run(t.Context(), Config{Workload: workload, Target: "http://" + address, Beside: "json", Connections: 2, Rounds: 1,
			Load: report.Load{Format: "ndjson", Batch: 10, Size: 1000}, Records: 200})
		if err != nil {
			t.Fatal(err)
		}
		plain, own := r.Sides[0], r.Sides[1]
		if plain.Name != "json" || own.Name != workload || plain.Records != 200 || own.Records != 200 {
			t.Errorf("%s: %+v, %+v", workload, *plain, *own)
		}
		if want := r.Rounds[0].Sides[1].PerSec.Average / r.Rounds[0].Sides[0].PerSec.Average; r.Speed == nil || r.Speed.Median != want {
			t.Errorf("%s: a ratio of %+v, not %v", workload, r.Speed, want)
		}
	}
}

func TestEndToEndReadsBackInAnyFormat(t *testing.T) {
	address := broker(t)
	for _, formats := range [][2]string{{"json", "json"}, {"ndjson", "json"}, {"json", "ndjson"}, {"raw", "ndjson"}, {"batch", "json"},
		{"json", "batch"}, {"raw", "raw"}, {"batch", "batch"}} {
		l := report.Load{Format: formats[0], Answers: formats[1], Batch: 5, Partitions: 3}
		if formats[0] == "raw" {
			l.Batch = 1
		}
		r, err := Run(t.Context(), Config{Workload: report.EndToEnd, Target: "http://" + address, Connections: 3, Consumers: 2,
			Rounds: 1, Load: l, Records: 300})
		if want := (report.Verdict{Acknowledged: 300, Received: 300}); err != nil || *r.Verdict != want {
			t.Errorf("%v: %v; found %+v", formats, err, r)
		}
	}
}

// The broker itself is judged: keys that replay, and streams that get all.
func TestTheBrokerKeepsWhatIsAskedOfStandIns(t *testing.T) {
	address := broker(t)
	r, err := Run(t.Context(), Config{Target: address, SkipNoop: true, Connections: 2, Rounds: 1, Records: 200, Replay: 0.5,
		Load: report.Load{Idempotent: true}})
	if err != nil || r.Faulty() || r.Replays.Answered < 50 {
		t.Errorf("%v, %+v", err, r)
	}
	for _, format := range report.StreamFormats {
		r, err := Run(t.Context(), Config{Workload: report.Subscribe, Target: address, Connections: 2, Streams: 20, Rounds: 1,
			Records: 100, Rate: 2000, Load: report.Load{Answers: format, Partitions: 2}})
		if want := (report.Verdict{Acknowledged: 2000, Received: 2000}); err != nil || *r.Verdict != want || r.Streams.Short != 0 {
			t.Errorf("%s: %v; found %+v", format, err, r)
		}
	}
}

// A server that refuses every poll is not asked for ever.
func TestEndToEndEndsWhereNoPollIsAnswered(t *testing.T) {
	onBoth(t, "refused", func(t *testing.T, portable bool) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				http.Error(w, "no", http.StatusBadRequest)
			}
		}))
		defer s.Close()
		v := newVerifier(50)
		list := []*consumer{{partitions: []int{0}, offsets: map[int]int64{}}}
		d, err := drive.New(t.Context(), drive.Config{Address: s.Listener.Addr().String(), Connections: 1, Timeout: 10 * time.Second,
			Portable: portable, Source: func(int) drive.Source {
				return &consumers{verifier: v, topic: "t", format: "ndjson", list: list, produced: &atomic.Bool{}}
			}})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if got, err := d.Run(t.Context(), drive.NewPhase(0, 0, 0)); err != nil || got.Failures() != pollTries {
			t.Errorf("%v, %+v", err, got.Tally)
		}
	})
}

func TestGrowthIsThereWhileItIsMeasured(t *testing.T) {
	address := broker(t)
	seen := ""
	r, err := Run(t.Context(), Config{Target: "http://" + address, SkipNoop: true, Rounds: 1, Records: 50,
		Growth: report.Growth{IdleTopics: 5, Parked: 20}, Progress: func(string) {
			topics, err := newAPI(address, time.Second).call(t.Context(), "GET", "/topics", "")
			seen = fmt.Sprint(string(topics.body), err)
		}})
	if n := strings.Count(seen, "loadtest-idle"); n != 5 {
		t.Errorf("%d idle topics: %s", n, seen)
	}
	if err != nil || r.Growth.Parked != 20 || r.Own().OK != 50 {
		t.Fatalf("%v, %+v", err, r)
	}
	topics, err := newAPI(address, time.Second).call(t.Context(), "GET", "/topics", "")
	if err != nil || strings.Contains(string(topics.body), "loadtest") {
		t.Errorf("%v; left behind: %s", err, topics.body)
	}
}

func TestTheEmptyServerStandsBesideTheGrownOne(t *testing.T) {
	r, err := Run(t.Context(), Config{Rounds: 1, Records: 50, Growth: report.Growth{IdleTopics: 2}})
	if err != nil || r.Sides[0].Name != report.Empty || r.Sides[1].Name != report.Produce || r.Speed == nil {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestAServerThatDiesLeavesTheReportSoFar(t *testing.T) {
	p := drivetest.New()
	p.Handle = func(http.ResponseWriter, *http.Request) {
		p.Mu.Lock()
		dies := p.Records == 150
		p.Mu.Unlock()
		if dies {
			_ = p.Server.Listener.Close()
			go p.Server.CloseClientConnections()
		}
	}
	c := small()
	c.Target, c.SkipNoop = "http://"+p.Address, true
	r, err := Run(t.Context(), c)
	p.Server.Close()
	if err == nil || r == nil || r.Own().OK < 100 || !strings.Contains(strings.Join(r.Notes, " "), "ended early") {
		t.Errorf("%v, report %+v", err, r)
	}
}

func TestAnInterruptLeavesTheReportSoFar(t *testing.T) {
	p := drivetest.New()
	defer p.Server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.Handle = func(http.ResponseWriter, *http.Request) {
		p.Mu.Lock()
		defer p.Mu.Unlock()
		if p.Records == 150 {
			cancel()
		}
	}
	c := small()
	c.Target, c.SkipNoop, c.Connections = "http://"+p.Address, true, 1
	r, err := Run(ctx, c)
	if !errors.Is(err, context.Canceled) || r == nil || r.Own().OK < 140 || len(r.Rounds) != 2 || !strings.Contains(strings.Join(r.Notes, " "), "interrupted") {
		t.Errorf("%v, report %+v", err, r)
	}
}
