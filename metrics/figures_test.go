package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Quantiles are within 4 % of what sorting says, from microseconds to minutes.
func TestSketch(t *testing.T) {
	var s Sketch
	var all []time.Duration
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		d := time.Duration(math.Exp(r.Float64()*17) * float64(20*time.Microsecond)) // 20 us to 8 min
		all = append(all, d)
		s.Add(d)
	}
	slices.Sort(all)
	var now Counts
	s.Load(&now)
	counts, n := now.Since(nil)
	for _, q := range []float64{0, .5, .99, .999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		got := counts.Quantile(q, n)
		if diff := math.Abs(float64(got-want)) / float64(want); diff > .04 {
			t.Errorf("quantile %v is %v, and %v by sorting", q, got, want)
		}
	}
	s.Add(time.Second)
	var later Counts
	s.Load(&later)
	since, n := later.Since(&now)
	if got := since.Quantile(.5, n); n != 1 || got < 960*time.Millisecond || got > 1040*time.Millisecond {
		t.Errorf("%d since then, median %v", n, got)
	}
	for _, d := range []time.Duration{-1, 0, math.MaxInt64} {
		s.Add(d) // has a place
	}
}

// Every slot's middle lies in that slot, and slots go up.
func TestSlots(t *testing.T) {
	for i := range sketchSize {
		if got := slot(middle(i)); got != i {
			t.Fatalf("the middle of slot %d, %v, is in slot %d", i, middle(i), got)
		}
	}
}

// The rate of a minute is what came in its 60 seconds, in the first minute, too: neither more nor longer.
func TestAMinuteIsAMinute(t *testing.T) {
	var s Series
	for second := 1; second <= 75; second++ {
		value := int64(6000) // which all came in the first second
		if got, want := s.Tick(value).Minute, map[bool]float64{true: 100, false: 0}[second <= 60]; got != want {
			t.Errorf("after %d s the rate is %v, want %v", second, got, want)
		}
	}
}

// A rate is what came in its window over the window's length, whenever it is looked at.
func TestSeries(t *testing.T) {
	var s Series
	s.Begin(1000)
	value, got := int64(1000), Rates{}
	for range 137 {
		value += 30
		got = s.Tick(value)
	}
	if want := (Rates{30, 30, 30}); got != want {
		t.Errorf("30 a second: %+v", got)
	}
	value += 30 + 600
	if got = s.Tick(value); got.Second != 630 || got.Ten != 90 || got.Minute != 40 {
		t.Errorf("a burst of 600: %+v", got)
	}
	for range 61 {
		got = s.Tick(value)
	}
	if got != (Rates{}) {
		t.Errorf("after a minute of nothing: %+v", got)
	}
}

// A counter never goes back: not that of a topic that is deleted and made anew, and not the sum.
func TestTopicsGoOn(t *testing.T) {
	var all Topics
	news := all.Topic("news")
	news.Produced(10, 1000)
	all.Topic("other").Consumed(5, 50)
	all.Delete("news", news)
	news.Produced(1, 100) // was on its way
	again := all.Topic("news")
	again.Produced(1, 100)
	if again.Flows().RecordsIn != 12 || again.Flows().BytesIn != 1200 || all.All.Flows().RecordsIn != 12 || all.All.Flows().BytesOut != 50 {
		t.Errorf("%d records, %d bytes, %d in all", again.Flows().RecordsIn, again.Flows().BytesIn, all.All.Flows().RecordsIn)
	}
}

// What is remembered of deleted topics is bounded, also where the same ones come and go.
func TestDeletedTopicsAreBounded(t *testing.T) {
	var all Topics
	for i := range 3 * mostDeleted {
		name := fmt.Sprint("t", i%(2*mostDeleted))
		all.Delete(name, all.Topic(name))
		all.Delete("same", all.Topic("same"))
	}
	if len(all.deleted) > mostDeleted || len(all.order) > mostDeleted {
		t.Errorf("%d are remembered, in an order of %d", len(all.deleted), len(all.order))
	}
	if all.deleted["same"] == nil {
		t.Error("the last one that was deleted is forgotten")
	}
}
