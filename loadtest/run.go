package loadtest

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
)

// warmupShare is the part of a round's bytes that its warm-up may send: one in so many.
const warmupShare = 5

// run is one call of Run.
type run struct {
	Config
	bodies  [][]byte
	perTime int64 // requests to FlashQ in one round at most, warm-up included
	noop    *server
	flashq  *server
	name    string // of the topics, without the round

	report *Report
}

// Run drives the bare server and FlashQ in alternating rounds and reports on both. What it started is ended when it
// returns, however it returns; also when ctx ends.
func Run(ctx context.Context, c Config) (*Report, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	list, err := bodies(c.Load)
	if err != nil {
		return nil, err
	}
	r := &run{Config: c, bodies: list, name: "loadtest-" + strconv.FormatInt(time.Now().UnixNano(), 36)}
	if err := r.bound(); err != nil {
		return nil, err
	}
	r.report = newReport(c, list)
	defer r.stop()
	if err := r.all(ctx); ctx.Err() != nil {
		return nil, fmt.Errorf("stopped: %w", context.Cause(ctx))
	} else if err != nil {
		return nil, err
	}
	r.noteEarlyEnds()
	r.report.finish()
	return r.report, nil
}

// bound turns the bytes that may be written into requests a round.
func (r *run) bound() error {
	largest := 0
	for _, b := range r.bodies {
		largest = max(largest, len(b))
	}
	r.perTime = r.MaxBytes / int64(r.Rounds) / int64(largest)
	if r.perTime < warmupShare && !r.SkipProduce {
		return fmt.Errorf("%w: --max-bytes %d; allowed: at least %d for %d rounds", ErrConfig, r.MaxBytes,
			warmupShare*int64(r.Rounds)*int64(largest), r.Rounds)
	}
	return nil
}

func (r *run) all(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	for i := range r.Rounds {
		var round Round
		if err := r.round(ctx, i, &round); err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
		r.report.add(round)
	}
	return nil
}

func (r *run) start(ctx context.Context) (err error) {
	if !r.SkipProduce {
		if r.flashq, err = startFlashQ(ctx, r.Config); err != nil {
			return fmt.Errorf("flashq: %w", err)
		}
	}
	if !r.SkipNoop {
		if r.noop, err = startNoop(ctx); err != nil {
			return fmt.Errorf("noop: %w", err)
		}
	}
	return nil
}

func (r *run) stop() {
	for _, s := range []*server{r.noop, r.flashq} {
		if s != nil {
			s.stop()
		}
	}
}

func (r *run) round(ctx context.Context, i int, round *Round) error {
	if r.noop != nil {
		s, err := r.measure(ctx, r.noop, r.name, 0)
		if err != nil {
			return r.noop.explain(ctx, fmt.Errorf("noop: %w", err))
		}
		round.noop = &s
		r.tell(i, "noop", s)
	}
	if r.flashq != nil {
		s, err := r.produce(ctx, fmt.Sprintf("%s-%d", r.name, i+1))
		if err != nil {
			return r.flashq.explain(ctx, fmt.Errorf("produce: %w", err))
		}
		round.produce = &s
		r.tell(i, "produce", s)
	}
	return nil
}

// produce measures FlashQ on a fresh topic, so that one round's records don't slow the next.
func (r *run) produce(ctx context.Context, topic string) (sample, error) {
	if err := createTopic(ctx, r.flashq.address, topic, r.Partitions); err != nil {
		return sample{}, err
	}
	s, err := r.measure(ctx, r.flashq, topic, r.perTime)
	if err != nil {
		return s, err
	}
	deleted, err := deleteTopic(ctx, r.flashq.address, topic)
	if !deleted {
		r.report.note("the server does not delete topics: the rounds' records pile up")
	}
	return s, err
}

// measure drives one server: warm-up, then the measurement, on the same connections. It sends at most limit requests
// in all; zero is no limit.
func (r *run) measure(ctx context.Context, to *server, topic string, limit int64) (sample, error) {
	requests := produceRequests(to.address, topic, r.Format, r.bodies)
	d, err := newDriver(ctx, to.address, to.pid, requests, r.Connections)
	if err != nil {
		return sample{}, err
	}
	defer d.close()
	if r.Warmup > 0 {
		if _, err := d.run(ctx, newPhase(r.Warmup, limit/warmupShare)); err != nil {
			return sample{}, fmt.Errorf("warm-up: %w", err)
		}
		limit -= limit / warmupShare
	}
	if r.Requests > 0 && (limit == 0 || r.Requests < limit) {
		limit = r.Requests
	}
	s, err := d.run(ctx, newPhase(r.Duration, limit))
	if err == nil && s.ok == 0 {
		err = fmt.Errorf("%w: %s", errNoSuccess, s.first)
	}
	return s, err
}

// noteEarlyEnds says that rounds were short of their time, lest the disk or the memory fill.
func (r *run) noteEarlyEnds() {
	early, least := 0, time.Duration(0)
	for _, round := range r.report.Rounds {
		s := round.produce
		if s == nil || !s.usedUp || (r.Requests > 0 && s.all() >= r.Requests) {
			continue
		}
		if early++; early == 1 || s.elapsed < least {
			least = s.elapsed
		}
	}
	if early > 0 {
		r.report.note(fmt.Sprintf("%d of %d rounds of produce ended early, after %v at the least: more would pass %s",
			early, r.Rounds, least.Round(time.Millisecond), "--max-bytes "+humanize.IBytes(uint64(r.MaxBytes))))
	}
}

func (r *run) tell(i int, side string, s sample) {
	cpu := "unknown"
	if s.known {
		cpu = fmt.Sprintf("%.2f us", perRequest(s.server, s.all()))
	}
	r.Progress(fmt.Sprintf("round %d/%d  %-7s  %s requests/s, server CPU %s a request",
		i+1, r.Rounds, side, count(rate(s.ok, s.elapsed)), cpu))
}
