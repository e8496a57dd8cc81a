package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"flashq/e2e/instance"
)

const (
	// floods is how many connections send bodies of a megabyte as fast as they are taken. They and those who measure share
	// the processors with the broker.
	floods     = 2
	floodRound = 2 * time.Second
	// smallEvery is the pace of each of those who measure, from when a request is due.
	smallEvery  = 4 * time.Millisecond
	floodRounds = 5
)

// BenchmarkBesideAFlood says how much longer small produces and fetches of other topics take while a client floods one
// partition: medians of rounds that alternate with rounds without the flood, and with rounds in which it goes to another
// broker. Those say what sharing the machine costs by itself.
func BenchmarkBesideAFlood(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(floods + 3)) // those who measure must not wait here for those who flood
	for name, args := range map[string][]string{
		"memory": {"--memory-bytes=1GiB"}, "file": {"--storage=file", "--segment-bytes=64MiB"},
	} {
		b.Run(name, func(b *testing.B) {
			broker, other := startFlooded(b, args), startFlooded(b, args)
			produce, fetch := make(delays), make(delays)
			for b.Loop() {
				for range floodRounds {
					for beside, flooded := range map[string]*instance.Instance{"alone": nil, "elsewhere": other, "beside": broker} {
						p, f := measure(b, broker, flooded)
						produce.add(beside, p)
						fetch.add(beside, f)
					}
				}
			}
			produce.report(b, "produce")
			fetch.report(b, "fetch")
			broker.Stop(b)
			other.Stop(b)
		})
	}
}

// startFlooded starts a broker with the topics of a measurement.
func startFlooded(b *testing.B, args []string) *instance.Instance {
	if slices.Contains(args, "--storage=file") {
		args = append(slices.Clone(args), "--data-dir="+b.TempDir())
	}
	broker := instance.Start(b, args...)
	for _, topic := range []string{"flood", "small", "read"} {
		broker.Must(b, 201, "PUT", "/topics/"+topic, "application/json",
			[]byte(`{"partitions":1,"retention_bytes":268435456}`), nil)
	}
	broker.Must(b, 200, "POST", "/topics/read/records", "application/json", []byte(`{"records":[{"value":"x"}]}`), nil)
	return broker
}

// delays are percentiles, in microseconds, by what was beside them: of each round one.
type delays map[string]*struct{ p50, p99 []float64 }

func (d delays) add(beside string, times []time.Duration) {
	if len(times) == 0 {
		return // it has been told
	}
	if d[beside] == nil {
		d[beside] = &struct{ p50, p99 []float64 }{}
	}
	slices.Sort(times)
	of := d[beside]
	of.p50 = append(of.p50, float64(times[len(times)/2].Microseconds()))
	of.p99 = append(of.p99, float64(times[len(times)*99/100].Microseconds()))
}

func (d delays) report(b *testing.B, what string) {
	for beside, of := range d {
		b.ReportMetric(median(of.p50), "us-p50-"+what+"-"+beside)
		b.ReportMetric(median(of.p99), "us-p99-"+what+"-"+beside)
	}
	if d["beside"] == nil || d["alone"] == nil || d["elsewhere"] == nil {
		return
	}
	beside := median(d["beside"].p99)
	b.ReportMetric(beside/median(d["alone"].p99), what+"-ratio")
	b.ReportMetric(beside/median(d["elsewhere"].p99), what+"-ratio-to-elsewhere")
}

func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2]
}

// measure plays one round: small produces and small fetches, each by one connection at its pace; flooded may be nil.
func measure(b *testing.B, broker, flooded *instance.Instance) (produces, fetches []time.Duration) {
	ctx, stop := context.WithCancel(b.Context())
	var flooding sync.WaitGroup
	if flooded != nil {
		for range floods {
			flooding.Go(func() { flood(ctx, b, flooded) })
		}
	}
	var measuring sync.WaitGroup
	small := `{"records":[{"value":"` + strings.Repeat("x", 100) + `"}]}`
	measuring.Go(func() {
		produces = paced(b, broker, fmt.Sprintf("POST /topics/small/records HTTP/1.1\r\nHost: localhost\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(small), small))
	})
	measuring.Go(func() {
		fetches = paced(b, broker, "GET /topics/read/records HTTP/1.1\r\nHost: localhost\r\n\r\n")
	})
	measuring.Wait()
	stop()
	flooding.Wait()
	return produces, fetches
}

// paced makes the same request again and again over one connection, and gives how long each took from when it was due: one
// that had to wait for the answer before it waited for the broker. That the alarm rings late is the machine's doing.
func paced(b *testing.B, broker *instance.Instance, request string) (took []time.Duration) {
	c, err := net.Dial("tcp", broker.Addr)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer c.Close()
	answer := make([]byte, 4096)
	due := time.Now()
	for end := due.Add(floodRound); due.Before(end); due = due.Add(smallEvery) {
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
			due = time.Now()
		}
		if _, err := io.WriteString(c, request); err != nil {
			b.Error(err)
			return took
		}
		n, err := c.Read(answer) // it is small, and comes in one piece
		if err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200 ")) {
			b.Errorf("%v %s", err, answer[:n])
			return took
		}
		took = append(took, time.Since(due))
	}
	return took
}

// flood sends bodies of a megabyte, a batch of 1000 records each, until ctx ends.
func flood(ctx context.Context, b *testing.B, broker *instance.Instance) {
	record := `{"value":"` + strings.Repeat("x", 1000) + `"}`
	body := []byte(`{"records":[` + strings.Repeat(record+",", 999) + record + `]}`)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		a, err := client.Post("http://"+broker.Addr+"/topics/flood/records", "application/json", bytes.NewReader(body))
		if err != nil {
			b.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, a.Body)
		_ = a.Body.Close()
		if a.StatusCode != 200 {
			b.Error(a.Status)
			return
		}
	}
}
