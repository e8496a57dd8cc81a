package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const redisPipeline = 1000 // commands of a pipelined request

// streams is Redis with an append-only file, loaded by its own redis-benchmark, which can't pace: there, by go-redis.
type streams struct {
	settings
	folder string // where its packages are unpacked
	env    []string
	rates  rates
	port   string
	client *redis.Client
}

func newRedis(s settings, folder string) peer {
	r := streams{settings: s, folder: folder,
		env:   []string{"LD_LIBRARY_PATH=" + filepath.Join(folder, "lib")},
		rates: rates{rowSmall: 60e3, rowOne: 15e3, rowBatched: 400e3, rowLarge: 150e3, rowFetch: 200e3}}
	return peer{name: redisName, start: r.start} // its data are in memory, whatever its file has
}

func (r streams) start(ctx context.Context, folder string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r.port = strconv.Itoa(port)
	r.client = redis.NewClient(&redis.Options{Addr: address(port), PoolSize: callers, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1}) // it would wait 100 ms for a server that starts
	ready := func(ctx context.Context) error { return r.client.Ping(ctx).Err() }
	c, err := launch(ctx, folder, r.env, ready, filepath.Join(r.folder, "bin", "redis-server"), "--bind", "127.0.0.1",
		"--port", r.port, "--dir", folder, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
		"--auto-aof-rewrite-percentage", "0")
	stop := func() { _ = r.client.Close() } // closing connections has no outcome
	if err != nil {
		stop()
		return nil, err
	}
	return &server{child: c, close: stop, measurements: []measurement{
		{rowSmall, r.add(rowSmall, small, callers, 1)},
		{rowOne, r.add(rowOne, small, 1, 1)},
		{rowBatched, r.add(rowBatched, small, 4, redisPipeline)},
		{rowPaced, r.paced},
		{rowLarge, r.add(rowLarge, large, 4, redisPipeline)},
		{rowFetch, r.fetch},
	}}, nil
}

// bench runs redis-benchmark for about as long as the settings say; each command moves so many records.
func (r *streams) bench(ctx context.Context, row string, clients, pipeline, records int, command ...string) (figures,
	error) {
	n := max(r.rates.count(row, r.span)/records, clients*pipeline)
	args := append([]string{"-p", r.port, "-c", strconv.Itoa(clients), "-P", strconv.Itoa(pipeline), "-n",
		strconv.Itoa(n), "--csv"}, command...)
	out, err := output(ctx, r.env, filepath.Join(r.folder, "bin", "redis-benchmark"), args...)
	if err != nil {
		return nil, err
	}
	rate, l, err := readBench(out)
	if err != nil {
		return nil, err
	}
	rate *= float64(records)
	r.rates.reached(row, rate)
	return ofRow(row, rate, l), nil
}

func (r *streams) add(row string, size, clients, pipeline int) func(context.Context) (figures, error) {
	command := []string{"XADD", "stream-" + strconv.Itoa(size), "MAXLEN", "~", strconv.Itoa(retentionBytes / size), "*",
		"v", string(letters(size, 0))}
	return func(ctx context.Context) (figures, error) {
		return r.bench(ctx, row, clients, pipeline, 1, command...)
	}
}

func (r *streams) paced(ctx context.Context) (figures, error) {
	value := letters(small, 0)
	l, err := paced(ctx, r.warm, r.span, repeat(callers, func(ctx context.Context) error {
		return r.client.XAdd(ctx, &redis.XAddArgs{Stream: "stream-100", MaxLen: retentionBytes / small, Approx: true,
			Values: []any{"v", value}}).Err()
	}))
	return ofRow(rowPaced, pace, l), err
}

// fetch reads the same 1000 records again and again: redis-benchmark knows no other way, and it is no worse for Redis.
func (r *streams) fetch(ctx context.Context) (figures, error) {
	return r.bench(ctx, rowFetch, 4, 1, batch, "XRANGE", "stream-"+strconv.Itoa(large), "-", "+", "COUNT",
		strconv.Itoa(batch))
}

// readBench takes requests a second and latency from the CSV of redis-benchmark.
func readBench(out string) (float64, latency, error) {
	lines, err := csv.NewReader(strings.NewReader(out[max(0, strings.Index(out, `"test"`)):])).ReadAll()
	if err != nil {
		return 0, latency{}, fmt.Errorf("redis-benchmark: %w", err)
	}
	if len(lines) != 2 {
		return 0, latency{}, errors.New("redis-benchmark: not one result")
	}
	values := map[string]float64{}
	for i, name := range lines[0] {
		values[name], _ = strconv.ParseFloat(lines[1][i], 64) // the command is no number
	}
	if values["rps"] == 0 {
		return 0, latency{}, errors.New("redis-benchmark: it tells no rps")
	}
	ms := float64(time.Millisecond / time.Microsecond)
	return values["rps"], latency{values["p50_latency_ms"] * ms, values["p99_latency_ms"] * ms}, nil
}
