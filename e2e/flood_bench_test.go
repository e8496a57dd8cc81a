package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
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

// BenchmarkBesideAFlood says how much longer small produces and fetches of other topics take, at their 99th percentile,
// while a client floods one partition: medians of rounds that alternate with rounds without the flood.
func BenchmarkBesideAFlood(b *testing.B) {
	for name, args := range map[string][]string{
		"memory": {"--memory-bytes=1GiB"}, "file": {"--storage=file", "--data-dir=" + b.TempDir(), "--segment-bytes=64MiB"},
	} {
		b.Run(name, func(b *testing.B) {
			broker := instance.Start(b, args...)
			for _, topic := range []string{"flood", "small", "read"} {
				broker.Must(b, 201, "PUT", "/topics/"+topic, "application/json",
					[]byte(`{"partitions":1,"retention_bytes":268435456}`), nil)
			}
			broker.Must(b, 200, "POST", "/topics/read/records", "application/json", []byte(`{"records":[{"value":"x"}]}`), nil)
			produce, fetch := newRatios(), newRatios()
			for b.Loop() {
				for range floodRounds {
					p, f := measure(b, broker, false)
					pf, ff := measure(b, broker, true)
					produce.add(p, pf)
					fetch.add(f, ff)
				}
			}
			produce.report(b, "produce")
			fetch.report(b, "fetch")
			broker.Stop(b)
		})
	}
}

// ratios are the 99th percentiles of rounds, in pairs.
type ratios struct{ alone, beside []float64 }

func newRatios() *ratios { return new(ratios) }

func (r *ratios) add(alone, beside []time.Duration) {
	r.alone, r.beside = append(r.alone, p99(alone)), append(r.beside, p99(beside))
}

func (r *ratios) report(b *testing.B, what string) {
	alone, beside := median(r.alone), median(r.beside)
	b.ReportMetric(alone, "us-p99-"+what+"-alone")
	b.ReportMetric(beside, "us-p99-"+what+"-beside")
	b.ReportMetric(beside/alone, what+"-ratio")
}

func p99(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)*99/100].Microseconds())
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// measure plays one round: small produces and small fetches, each by one connection at its pace.
func measure(b *testing.B, broker *instance.Instance, flooded bool) (produces, fetches []time.Duration) {
	ctx, stop := context.WithCancel(b.Context())
	var flooding sync.WaitGroup
	if flooded {
		for range floods {
			flooding.Go(func() { flood(ctx, b, broker) })
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

// paced makes the same request again and again over one connection, and gives how long each took from when it was due.
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
		time.Sleep(time.Until(due))
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
