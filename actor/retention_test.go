package actor

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// Under steady traffic, over a kill and when nothing comes any more, no record stays readable for longer than its
// retention and a quarter of it, or 5 s; none goes before, whatever its timestamp says; and segments stay few.
func TestNoRecordOutlivesItsRetention(t *testing.T) {
	for _, retention := range []time.Duration{2 * time.Second, 20 * time.Second, 10 * time.Minute, 24 * time.Hour} {
		t.Run(fmt.Sprint(retention), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fs, ms := segmenttest.New(), retention.Milliseconds()
				b := engine(t, fs, Config{})
				made, _, err := b.CreateTopic(context.Background(), "t", broker.TopicChange{RetentionMs: &ms})
				if err != nil {
					t.Fatal(err)
				}
				tp := made.(*topic)
				var came []time.Time
				restart := func() {
					fs = fs.Kill()
					tp = topicOf(t, engine(t, fs, Config{}), "t")
				}
				for i := range 200 {
					if i == 90 {
						restart()
					}
					putAt(t, tp, oddTime(i))
					came = append(came, time.Now())
					time.Sleep(retention / 40)
					checkAges(t, tp, came, retention)
				}
				restart()
				time.Sleep(retention + max(retention/4, 5*time.Second))
				checkAges(t, tp, came, retention)
				if s, _ := tp.Stats(context.Background(), 0); s.LogStart != 200 || s.HighWatermark != 200 {
					t.Errorf("an idle topic keeps %+v", s)
				}
			})
		})
	}
}

// oddTime is a timestamp for the i-th record: the clock's, from 1970, or ahead.
func oddTime(i int) int64 {
	switch i % 10 {
	case 3:
		return 1
	case 7:
		return nowMillis() + 50*60_000
	default:
		return nowMillis()
	}
}

func putAt(t *testing.T, tp *topic, millis int64) {
	t.Helper()
	var b batch.Builder
	b.Add(millis, nil, []byte("value"))
	if err := tp.Append([]broker.Part{{Batch: b.Finish()}}, broker.How{}); err != nil {
		t.Fatal(err)
	}
}

func topicOf(t *testing.T, b *Broker, name string) *topic {
	t.Helper()
	found, err := b.Topic(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return found.(*topic)
}

func checkAges(t *testing.T, tp *topic, came []time.Time, retention time.Duration) {
	t.Helper()
	s, err := tp.Stats(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if s.LogStart > 0 && time.Since(came[s.LogStart-1]) <= retention {
		t.Fatalf("record %d went after %v", s.LogStart-1, time.Since(came[s.LogStart-1]))
	}
	if s.LogStart < s.HighWatermark && time.Since(came[s.LogStart]) > retention+max(retention/4, 5*time.Second) {
		t.Fatalf("record %d of %d stays for %v", s.LogStart, s.HighWatermark, time.Since(came[s.LogStart]))
	}
	if s.Segments > 12 {
		t.Fatalf("%+v", s)
	}
}

// What a topic is told stays, over a restart; what it isn't told follows from its retention.
func TestSegmentMs(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{MaxPartitions: 4})
	const week = 7 * 24 * 3600 * 1000
	change := func(b *Broker, name string, c broker.TopicChange) int64 {
		t.Helper()
		made, _, err := b.CreateTopic(context.Background(), name, c)
		if err != nil {
			t.Fatal(err)
		}
		return made.Config().SegmentMs
	}
	for i, row := range []struct {
		change broker.TopicChange
		want   int64
	}{
		{broker.TopicChange{}, week},
		{broker.TopicChange{RetentionMs: new(int64(40_000))}, 10_000},
		{broker.TopicChange{RetentionMs: new(int64(1))}, 1},
		{broker.TopicChange{RetentionMs: new(int64(8 * week))}, week},
		{broker.TopicChange{SegmentMs: new(int64(1234))}, 1234},
		{broker.TopicChange{RetentionMs: new(int64(40_000))}, 1234},
	} {
		if got := change(b, "t", row.change); got != row.want {
			t.Errorf("%d: segment_ms %d, want %d", i, got, row.want)
		}
	}
	change(b, "plain", broker.TopicChange{Partitions: 4, RetentionMs: new(int64(40_000))})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = engine(t, fs, Config{MaxPartitions: 2}) // a bound for new topics
	if got := topicOf(t, b, "t").Config(); got.SegmentMs != 1234 || got.RetentionMs != 40_000 {
		t.Errorf("after a restart %+v", got)
	}
	if got := change(b, "plain", broker.TopicChange{Partitions: 4, RetentionMs: new(int64(80_000))}); got != 20_000 {
		t.Errorf("segment_ms %d", got)
	}
}
