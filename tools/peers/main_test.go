package main

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestReadProducerLeavesOutTheWarmUp(t *testing.T) {
	out := "5000 records sent, 10.0 records/sec (0.00 MB/sec), 9.00 ms avg latency, 9.00 ms max latency, 9 ms 50th, " +
		"9 ms 95th, 9 ms 99th, 9 ms 99.9th.\n" +
		"4000 steady state records sent, 997.257542 records/sec (0.10 MB/sec), 0.54 ms avg latency, 12.00 ms max " +
		"latency, 1 ms 50th, 2 ms 95th, 6 ms 99th, 10 ms 99.9th.\n"
	rate, l, err := readProducer(out)
	if err != nil || rate != 997.257542 || l != (latency{1000, 6000}) {
		t.Errorf("got %v, %v, %v", rate, l, err)
	}
	if _, _, err := readProducer("java: not found"); !errors.Is(err, errNothing) {
		t.Errorf("no result: got %v", err)
	}
}

func TestReadConsumerKnowsWhereTheJVMIsWarm(t *testing.T) {
	out := strings.Join([]string{
		"2026-11-24 19:39:01:000, 0, 0.0000, 0.0000, 0, 0.0, 3448, 121, 0.0079, 8.2645",
		"2026-11-24 19:39:02:000, 0, 0.0010, 0.0003, 1000, 0.2802, 3448, 121, 0.0079, 8.2645",
		"2026-11-24 19:39:03:000, 0, 29.6326, 238.9646, 101000, 250572.5806, 0, 124, 238.9646, 250572.5806",
		"2026-11-24 19:39:05:000, 0, 59.3300, 296.9742, 701000, 311400.0000, 0, 100, 296.9742, 311400.0000",
	}, "\n")
	warm, whole, err := readConsumer(out)
	if err != nil || warm != 300e3 || math.Round(whole) != 233333 {
		t.Errorf("got %v, %v, %v", warm, whole, err)
	}
	if _, _, err := readConsumer("WARN nothing"); !errors.Is(err, errNothing) {
		t.Errorf("no result: got %v", err)
	}
}

func TestReadBench(t *testing.T) {
	rate, l, err := readBench("WARNING: a line\n" +
		`"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"` +
		"\n" + `"XADD s * v a","1999.50","0.1","0.1","0.063","0.1","0.25","0.3"` + "\n")
	if err != nil || rate != 1999.5 || l != (latency{63, 250}) {
		t.Errorf("got %v, %v, %v", rate, l, err)
	}
	if _, _, err := readBench("Could not connect"); err == nil {
		t.Error("no result, and no error")
	}
}

func TestReadReportRefusesFailures(t *testing.T) {
	got, err := readReport(rowSmall, `{"sides":[{"failed":0,"records_per_second":{"average":5},"latency_us":{"p99":7}}]}`)
	if err != nil || got[rowSmall] != 5 || got[rowSmall+p99] != 7 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := readReport(rowSmall, `{"sides":[{"failed":1}]}`); err == nil {
		t.Error("a failed request, and no error")
	}
}

func TestClosedEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	_, _, err := closed(t.Context(), 0, time.Minute, repeat(1, func(context.Context) error { return broken }))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// What comes before the end of the warm-up is left out, with the fetch in which it ends.
func TestCounterLeavesOutTheWarmUp(t *testing.T) {
	c := newCounter(0, time.Hour)
	some := []*kgo.Record{{Value: []byte("abc")}, {}, {}}
	for range 4 {
		if c.count(some) {
			t.Error("over before its time")
		}
	}
	if c.records-1 != 9 || c.bytes != 12 {
		t.Errorf("%+v", c)
	}
	if got, err := c.figures(nil); err != nil || got[rowDecoded] <= 0 {
		t.Errorf("%v, %v", got, err)
	}
	cold := newCounter(time.Hour, 1)
	cold.count(some)
	cold.count(some)
	if got, err := cold.figures(nil); err == nil {
		t.Errorf("the warm-up was counted: %v", got)
	}
	short := newCounter(0, 0)
	short.count(some)
	if !short.count(some) {
		t.Error("not over after its time")
	}
}

// Ratios are of the same round, above 1 where FlashQ is ahead, whether more or less is better.
func TestTable(t *testing.T) {
	peers := []peer{{name: ours, files: true}, {name: kafkaName, files: true}, {name: redisName}}
	r := newReport(settings{rounds: 3}, peers)
	for i, factor := range []float64{1, 2, 3} {
		r.add(i, ours, figures{rowLarge: 6000 * factor, rowPaced + p99: 100, rowFetch: 100})
		r.add(i, kafkaName, figures{rowLarge: 1000 * factor, rowPaced + p99: 200 * factor, rowFetch: 1000})
		r.add(i, redisName, figures{rowSmall: 9, rowFetch: 2000})
	}
	table := r.markdown()
	for _, want := range []string{
		"| 1000 B, batched: records/s | 12,000 (6,000 to 18,000) | 2,000 (1,000 to 3,000) | - |\n",
		"| 1000 B, batched: records/s | 6.00 (6.00 to 6.00) | - |\n",
		"| the same: p99, us | 4.00 (2.00 to 6.00) | - |\n",
		"| 1000 B batched at least 5 x Kafka's native producer | 6.00 (6.00 to 6.00) | met |\n",
		"| fetch at least 3 x Kafka's consumer | 0.10 (0.10 to 0.10) | not met |\n",
		"| fetch: Kafka, 0.10 | not met |\n", // Redis is ahead too, and in memory
	} {
		if !strings.Contains(table, want) {
			t.Errorf("lacks %q:\n%s", want, table)
		}
	}
}
