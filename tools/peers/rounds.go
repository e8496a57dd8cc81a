package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// figures are what was measured, by the key of a metric.
type figures map[string]float64

// measurement loads a running server.
type measurement struct {
	name string
	run  func(ctx context.Context) (figures, error)
}

// server runs, alone on the machine.
type server struct {
	*child
	measurements []measurement
	close        func() // of its clients; may be nil
}

// peer is a broker that can be started, again in each round.
type peer struct {
	name  string
	files bool // what it acknowledged is in files, not only in memory
	start func(ctx context.Context, folder string) (*server, error)
}

// rounds measures all peers in turn, as often as the settings say. What fails is left out, and told.
func rounds(ctx context.Context, s settings, peers []peer, progress io.Writer) *report {
	r := newReport(s, peers)
	for i := range s.rounds {
		for _, p := range peers {
			if ctx.Err() != nil {
				r.fail("round %d, %s: %v", i+1, p.name, ctx.Err())
				return r
			}
			began := time.Now()
			got, errs := round(ctx, s, p)
			for _, err := range errs {
				r.fail("round %d, %s: %v", i+1, p.name, err)
			}
			r.add(i, p.name, got)
			fmt.Fprintf(progress, "round %d/%d %-14s %3.0f s %d failures\n", i+1, s.rounds, p.name,
				time.Since(began).Seconds(), len(errs))
		}
	}
	return r
}

// round starts a peer, measures it and ends it with its data.
func round(ctx context.Context, s settings, p peer) (figures, []error) {
	folder, err := os.MkdirTemp("", "flashq-peer-")
	if err != nil {
		return nil, []error{fmt.Errorf("data folder: %w", err)}
	}
	defer func() { _ = os.RemoveAll(folder) }() // a temporary folder: the system clears what stays
	server, err := p.start(ctx, folder)
	if err != nil {
		return nil, []error{err}
	}
	defer server.stop()
	if server.close != nil {
		defer server.close()
	}
	all := figures{startup: float64(server.startup.Milliseconds())}
	var errs []error
	note := func(name string, got figures, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		for key, value := range got {
			all[key] = value
		}
	}
	memory := func(key string) {
		bytes, err := server.resident()
		note(key, figures{key: bytes / (1 << 20)}, err)
	}
	pause(ctx, time.Second) // what starting left to do
	memory(idle)
	for _, m := range server.measurements {
		bounded, cancel := context.WithTimeout(ctx, patience+10*s.span)
		got, err := m.run(bounded)
		cancel()
		note(m.name, got, err)
	}
	memory(loaded)
	return all, errs
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
