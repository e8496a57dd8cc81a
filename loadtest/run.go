package loadtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// run is one call of Run: what it has started, and what it has found.
type run struct {
	plan   *plan
	sides  []*side
	undo   []func() // what ends or deletes what was started, the last one first
	early  early
	report *report.Report
}

// Run measures what the Config says, in alternating rounds where there is something to compare with, and reports. What
// it started is ended when it returns, however it returns. When ctx ends, or the server does, it returns what it has
// measured until then beside the error; the report is nil where there is nothing.
func Run(ctx context.Context, c Config) (*report.Report, error) {
	p, err := newPlan(c)
	if err != nil {
		return nil, err
	}
	r := &run{plan: p, report: newReport(p)}
	defer r.stop()
	err = r.all(ctx)
	if ctx.Err() != nil {
		err = fmt.Errorf("stopped: %w", context.Cause(ctx))
		r.report.Note("interrupted: this is what was measured until then")
	} else if err != nil {
		r.report.Note("the run ended early: " + err.Error())
	}
	r.noteEarlyEnds()
	r.report.Finish()
	if len(r.report.Rounds) == 0 {
		return nil, err
	}
	return r.report, err
}

func (r *run) all(ctx context.Context) error {
	if r.plan.config.Pin {
		undo, err := pinSelf()
		if err != nil {
			return err
		}
		r.undo = append(r.undo, undo)
	}
	if err := r.start(ctx); err != nil {
		return err
	}
	for i := range r.plan.config.Rounds {
		round := &report.Round{}
		err := r.round(ctx, i, round)
		if round.Measured() {
			r.report.Add(round)
		}
		if err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *run) round(ctx context.Context, i int, round *report.Round) error {
	for _, s := range r.sides {
		if err := s.measure(ctx, &turn{run: r, side: s, number: i, round: round}); err != nil {
			return s.server.explain(ctx, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return nil
}

func (r *run) stop() {
	for _, undo := range slices.Backward(r.undo) {
		undo()
	}
}

// early counts rounds that were short of their time, and the shortest of them.
type early struct {
	rounds int
	least  time.Duration
}

// noticeEarly looks whether the bytes that may be written ended a measurement of FlashQ.
func (r *run) noticeEarly(name string, s drive.Sample) {
	c := &r.plan.config
	if name != c.Workload || r.plan.limit == 0 || !s.UsedUp || (c.Records > 0 && s.All() >= c.requests()) {
		return
	}
	if r.early.rounds++; r.early.rounds == 1 || s.Elapsed < r.early.least {
		r.early.least = s.Elapsed
	}
}

// noteEarlyEnds says that rounds were short of their time, lest the disk or the memory fill.
func (r *run) noteEarlyEnds() {
	if c := &r.plan.config; r.early.rounds > 0 {
		r.report.Note(fmt.Sprintf("%d of %d rounds of %s ended early, after %v at the least: more would pass %s",
			r.early.rounds, c.Rounds, c.Workload, r.early.least.Round(time.Millisecond),
			"--max-bytes "+humanize.IBytes(uint64(c.MaxBytes))))
	}
}

// errNoSuccess is returned when a server refused all that was sent: there is nothing to report on.
var errNoSuccess = errors.New("no request succeeded")

// noSuccess says why a server refused all, and what helps where that is known.
func noSuccess(first string) error {
	if strings.Contains(first, "records, at most") {
		first += "; lower --batch, or start the server with a larger --max-batch-records"
	}
	return fmt.Errorf("%w: %s", errNoSuccess, first)
}
