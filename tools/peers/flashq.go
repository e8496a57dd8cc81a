package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/valyala/fasthttp"
)

// flashq is FlashQ from the tree, loaded by its own load generator.
type flashq struct {
	settings
	storage string
	url     string
	pid     string
	client  *fasthttp.HostClient // as NSQ has it, where all are measured by one loop
}

func newFlashQ(s settings, storage string) peer {
	name := ours
	if storage == "memory" {
		name = oursInMemory
	}
	return peer{name: name, files: storage == "file", start: flashq{settings: s, storage: storage}.start}
}

func (f flashq) start(ctx context.Context, folder string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	f.url = "http://" + address(port)
	c, err := launch(ctx, folder, nil, getOK(f.url+"/health"), f.flashq, "--listen="+address(port),
		"--storage="+f.storage, "--data-dir="+filepath.Join(folder, "data"), "--memory-bytes=1GiB",
		fmt.Sprintf("--segment-bytes=%d", segmentBytes))
	if err != nil {
		return nil, err
	}
	f.pid, f.client = c.pid(), newHTTP(port)
	return &server{child: c, close: f.client.CloseIdleConnections, measurements: []measurement{
		f.measure(rowSmall, "produce", small, 1, callers),
		f.measure(rowOne, "produce", small, 1, 1),
		f.measure(rowBatched, "produce", small, batch, 4),
		{rowPaced, f.paced},
		f.measure(rowOwn, "produce", small, 1, callers, "--rate="+strconv.Itoa(pace)),
		f.measure(rowLarge, "produce", large, batch, 4),
		f.measure(rowFetch, "consume", large, batch, 4),
		{rowDecoded, f.decoded},
	}}, nil
}

func (f flashq) measure(row, workload string, size, records, connections int, more ...string) measurement {
	args := append([]string{"loadtest", workload, "--server=" + f.url, "--server-pid=" + f.pid, "--no-noop",
		"--repeat=1", "--output=json", "--warmup=" + f.warm.String(), "--duration=" + f.span.String(),
		fmt.Sprintf("--retention-bytes=%d", retentionBytes), fmt.Sprintf("--size=%d", size),
		fmt.Sprintf("--batch=%d", records), fmt.Sprintf("--connections=%d", connections)}, more...)
	if workload == "produce" {
		args = append(args, "--max-bytes=32GiB") // time ends it
	}
	return measurement{row, func(ctx context.Context) (figures, error) {
		out, err := output(ctx, nil, f.flashq, args...)
		if err != nil {
			return nil, err
		}
		got, err := readReport(row, out)
		if rate, ok := got[rowFetch]; ok {
			got[rowFetchWhole] = rate // a client of ours has nothing to warm up
		}
		return got, err
	}}
}

func (f flashq) paced(ctx context.Context) (figures, error) {
	body := fmt.Appendf(nil, `{"records":[{"value":"%s"}]}`, letters(small, 0))
	l, err := paced(ctx, f.warm, f.span, repeat(callers, poster(f.client, f.url+"/topics/paced/records", body)))
	return ofRow(rowPaced, pace, l), err
}

// readReport takes what a row wants from a report of flashq loadtest.
func readReport(row, out string) (figures, error) {
	var report struct {
		Sides []struct {
			Failed  int64 `json:"failed"`
			Records struct {
				Average float64 `json:"average"`
			} `json:"records_per_second"`
			Latency struct {
				P50 float64 `json:"p50"`
				P99 float64 `json:"p99"`
			} `json:"latency_us"`
		} `json:"sides"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if len(report.Sides) != 1 {
		return nil, errors.New("report: not one side")
	}
	side := report.Sides[0]
	if side.Failed > 0 {
		return nil, fmt.Errorf("%d requests failed", side.Failed)
	}
	return ofRow(row, side.Records.Average, latency{side.Latency.P50, side.Latency.P99}), nil
}
