package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// segmentBytes and retentionBytes are those of every broker that has such settings: small enough that the pages of
	// what was dropped are used again while it is measured.
	segmentBytes   = 64 << 20
	retentionBytes = 256 << 20

	small, large = 100, 1000 // bytes of a record's value
	batch        = 1000      // records of a large request
)

// settings are those of the whole run.
type settings struct {
	tools  string // where make installs
	flashq string
	kafka  string // the script that runs it
	out    string
	only   string
	rounds int
	warm   time.Duration
	span   time.Duration
	limit  time.Duration
}

func main() {
	if err := run(context.Background(), parse()); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func parse() settings {
	var s settings
	flag.StringVar(&s.tools, "tools", ".tools", "folder with what make installed")
	flag.StringVar(&s.flashq, "flashq", "bin/flashq", "the built binary")
	flag.StringVar(&s.kafka, "kafka", "tools/kafka/peer.sh", "the script that runs Kafka")
	flag.StringVar(&s.out, "out", ".peers", "folder for table.md and report.json")
	flag.StringVar(&s.only, "only", "", "servers, with semicolons between them as names have commas; all by default")
	flag.IntVar(&s.rounds, "rounds", 3, "how often each server is measured")
	flag.DurationVar(&s.warm, "warmup", 500*time.Millisecond, "before each measurement")
	flag.DurationVar(&s.span, "duration", 2*time.Second, "of each measurement")
	flag.DurationVar(&s.limit, "limit", 20*time.Minute, "of the whole run")
	flag.Parse()
	return s
}

// run measures, prints the table and keeps it.
func run(ctx context.Context, s settings) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	peers, err := choose(s)
	if err != nil {
		return err
	}
	r := rounds(ctx, s, peers, os.Stderr)
	r.describe(ctx, s)
	table := r.markdown()
	fmt.Print(table)
	if err := r.save(s.out, table); err != nil {
		return err
	}
	if len(r.Failures) > 0 {
		return errors.New("not everything was measured:\n  " + strings.Join(r.Failures, "\n  "))
	}
	return nil
}

func choose(s settings) ([]peer, error) {
	bin := func(name string) string { return filepath.Join(s.tools, "peers", name) }
	kafka, err := newKafka(s)
	if err != nil {
		return nil, err
	}
	all := []peer{
		newFlashQ(s, "file"),
		newFlashQ(s, "memory"),
		kafka,
		newNATS(s, bin("nats-server")),
		newNSQ(s, bin("nsqd")),
		newRedis(s, filepath.Join(s.tools, "redis")),
	}
	if s.only == "" {
		return all, nil
	}
	var some []peer
	for name := range strings.SplitSeq(s.only, ";") {
		found := false
		for _, p := range all {
			if p.name == name {
				some, found = append(some, p), true
			}
		}
		if !found {
			return nil, fmt.Errorf("--only: there is no %q", name)
		}
	}
	return some, nil
}
