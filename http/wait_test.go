package http

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// inBubble runs a test under a fake clock. fasthttp's own clock goroutine is for the whole process, so it is started
// outside; and a server's janitor notices its end only when it wakes, up to 10 s of fake time later.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	var h fasthttp.ResponseHeader
	_, _ = h.WriteTo(io.Discard)
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(11 * time.Second) })
		test(t)
	})
}

// later starts a fetch and gives its answer when it has come.
func (f *fixture) later(path string) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		res, err := f.client.Get("http://flashq" + path)
		if err != nil {
			done <- answer{body: err.Error()}
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		done <- answer{res.StatusCode, res.Header, string(text), res.Close}
	}()
	return done
}

func (f *fixture) stillWaits(done <-chan answer) {
	f.Helper()
	synctest.Wait()
	select {
	case a := <-done:
		f.Fatalf("answered at once: %d %s", a.status, a.body)
	default:
	}
	if f.s.bounds.waiters.Used() == 0 {
		f.Fatal("nobody waits")
	}
}

func values(t testing.TB, a answer) string {
	t.Helper()
	var got fetched
	a.want(t, 200).decode(t, &got)
	return got.values()
}

func TestWaitEndsWithTheRecord(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", `{"partitions":3}`)
		begun := time.Now()
		done := f.later("/topics/news/records?timeout_ms=60000")
		f.stillWaits(done)
		f.produce("/topics/news/records?partition=2", `{"value":"a"}`)
		if got := values(t, <-done); got != "a" || time.Since(begun) >= time.Minute {
			t.Errorf("%q after %v", got, time.Since(begun))
		}
		synctest.Wait()
		if left := f.s.bounds.waiters.Used(); left != 0 {
			t.Errorf("%d still wait", left)
		}
	})
}

func TestWaitEndsAtItsDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", "")
		begun := time.Now()
		got := values(t, <-f.later("/topics/news/records?timeout_ms=50000"))
		if got != "" || time.Since(begun) != 50*time.Second {
			t.Errorf("%q after %v", got, time.Since(begun))
		}
		begun = time.Now()
		f.do("HEAD", "/topics/news/records?timeout_ms=50000", "").want(t, 200)
		f.get("/topics/news/records").want(t, 200)
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("HEAD waited %v", waited)
		}
	})
}

func TestWaitForMinBytes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", `{"partitions":2}`)
		f.produce("/topics/news/records?partition=0", `{"value":"0123"}`)
		done := f.later("/topics/news/records?timeout_ms=60000&min_bytes=10")
		f.stillWaits(done)
		if held := f.s.bounds.answers.Used(); held > 4<<10 {
			t.Errorf("%d bytes are held for an answer of one record", held)
		}
		f.produce("/topics/news/records?partition=1", `{"value":"4567"}`)
		f.stillWaits(done)
		f.produce("/topics/news/records?partition=0", `{"value":"89"}`)
		if got := values(t, <-done); got != "0123 4567 89" {
			t.Error(got)
		}
		begun := time.Now()
		if got := values(t, <-f.later("/topics/news/records?timeout_ms=7000&min_bytes=11")); got != "0123 89 4567" {
			t.Error(got)
		}
		if waited := time.Since(begun); waited != 7*time.Second {
			t.Errorf("waited %v", waited)
		}
		begun = time.Now()
		for _, limit := range []string{"min_bytes=11&max_records=2", "min_bytes=7&max_bytes=7", "min_bytes=1000&max_bytes=7", "min_bytes=99000000&max_bytes=3"} {
			<-f.later("/topics/news/records?timeout_ms=7000&" + limit)
		}
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("waited %v for what a limit keeps out", waited)
		}
	})
}

func TestWaitBeyondTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", "")
		done := f.later("/topics/news/records?timeout_ms=60000&from_offset=100")
		f.stillWaits(done)
		for i := range 100 {
			f.numbered("news", 0, i, i+1)
			f.stillWaits(done)
		}
		f.numbered("news", 0, 100, 101)
		synctest.Wait()
		if got := values(t, <-done); got != "100" || f.s.bounds.waiters.Used() != 0 {
			t.Error(got)
		}
	})
}

// spying is the real engine, with the watches of its topics noted.
type spying struct {
	broker.Broker
	watched, left []*broker.Watch
}

type spiedTopic struct {
	broker.Topic
	spy *spying
}

func (s *spying) Topic(ctx context.Context, name string) (broker.Topic, error) {
	t, err := s.Broker.Topic(ctx, name)
	return spiedTopic{t, s}, err
}

func (t spiedTopic) Watch(partition int, w *broker.Watch) error {
	t.spy.watched = append(t.spy.watched, w)
	return t.Topic.Watch(partition, w)
}

func (t spiedTopic) Leave(partition int, w *broker.Watch) {
	if w.Waiter.Gone.Load() {
		t.spy.left = append(t.spy.left, w)
	}
	t.Topic.Leave(partition, w)
}

// Owners must hear of everybody who leaves, or abandoned watches pile up.
func TestWaitersTakeLeave(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", `{"partitions":3}`)
		spy := &spying{Broker: f.broker}
		f.s.Open(spy)
		done := f.later("/topics/news/records?timeout_ms=1000&min_bytes=3")
		f.stillWaits(done)
		f.s.Open(f.broker)
		f.produce("/topics/news/records?partition=1", `{"value":"a"}`)
		f.stillWaits(done)
		f.produce("/topics/news/records?partition=2", `{"value":"bc"}`)
		<-done
		w := spy.watched // partitions 0, 1, 2, and 1 again
		if len(w) != 4 || !slices.Equal(spy.left, []*broker.Watch{w[0], w[3]}) {
			t.Errorf("%d watches, %d were left", len(spy.watched), len(spy.left))
		}
	})
}

func TestWaitEndsWithTheTopic(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", `{"partitions":2}`)
		done := f.later("/topics/news/records?timeout_ms=60000")
		f.stillWaits(done)
		f.do("DELETE", "/topics/news", "").want(t, 204)
		a := <-done
		if details := a.wantError(t, 404, "topic_not_found"); details["topic"] != "news" {
			t.Error(details)
		}
	})
}

func TestDrainEndsWaits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", "")
		f.produce("/topics/news/records", `{"value":"a"}`)
		begun := time.Now()
		done := f.later("/topics/news/records?timeout_ms=60000&min_bytes=100")
		f.stillWaits(done)
		f.s.Drain()
		if got := values(t, <-done); got != "a" || time.Since(begun) != 0 {
			t.Errorf("%q after %v", got, time.Since(begun))
		}
	})
}

func TestWaitersAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{MaxWaiters: 1})
		f.createTopic("news", "")
		done := f.later("/topics/news/records?timeout_ms=60000")
		f.stillWaits(done)
		f.get("/topics/news/records?timeout_ms=60000").wantError(t, 429, "overloaded")
		f.get("/topics/news/records").want(t, 200)
		f.produce("/topics/news/records", `{"value":"a"}`)
		<-done
	})
}

// A thousand parked fetches cost no slab and no view, and one record wakes them all.
func TestManyWaiters(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", "")
	const many = 1000
	answers := make([]<-chan answer, many)
	for i := range answers {
		answers[i] = f.later("/topics/news/records?timeout_ms=60000")
	}
	for f.s.bounds.waiters.Used() < many && t.Context().Err() == nil {
		runtime.Gosched()
	}
	if held := f.s.bounds.answers.Used(); held != 0 {
		t.Errorf("%d bytes are held while waiting", held)
	}
	f.produce("/topics/news/records", `{"value":"a"}`)
	for _, done := range answers {
		if got := values(t, <-done); got != "a" {
			t.Fatal(got)
		}
	}
}

// A consumer loop sees every record exactly once, whatever the timing between its polls and the writes.
func TestPollingConsumerMissesNothing(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	const records = 300
	go func() {
		for i := range records {
			f.post(fmt.Sprintf("/topics/news/records?partition=%d", i%2), fmt.Sprintf(`{"records":[{"value":"%d"}]}`, i))
		}
	}()
	seen := map[string]int{}
	position := "0:0,1:0"
	for len(seen) < records {
		got := f.fetch("/topics/news/records?timeout_ms=60000&position=" + position)
		for _, r := range got.Records {
			seen[*r.Value]++
		}
		position = got.Position
	}
	for value, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", value, times)
		}
	}
}
