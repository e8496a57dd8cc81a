package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"

	"github.com/dustin/go-humanize"
)

// warmupShare is the part of a round's bytes that its warm-up may send: one in so many.
const warmupShare = 5

// run is one call of Run.
type run struct {
	Config
	bodies  [][]byte
	perTime int64  // requests to FlashQ in one round at most, warm-up included
	name    string // of the topics, without the round
	sides   []*side
	servers []*server
	left    string // a topic that is there now, to be deleted
	growth  *growth
	early   early
	report  *report.Report
}

// Run measures what the Config says, in alternating rounds where there is something to compare with, and reports. What
// it started is ended when it returns, however it returns. When ctx ends, or the server does, it returns what it has
// measured until then beside the error; the report is nil where there is nothing.
func Run(ctx context.Context, c Config) (*report.Report, error) {
	r, err := prepare(c)
	if err != nil {
		return nil, err
	}
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

// prepare judges a Config and builds what will be sent; nothing is started yet.
func prepare(c Config) (*run, error) {
	c = c.withDefaults()
	if c.Payload != "" {
		size, err := payloadSize(c.Payload)
		if err != nil {
			return nil, err
		}
		c.Size, c.Value = size, report.Values[0]
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	list, err := bodies(c.Load)
	if err != nil {
		return nil, err
	}
	r := &run{Config: c, bodies: list, name: "loadtest-" + strconv.FormatInt(time.Now().UnixNano(), 36)}
	r.report = newReport(c, list)
	return r, r.bound()
}

// bound turns the bytes that may be written into requests a round.
func (r *run) bound() error {
	if r.Workload != report.Produce && r.Workload != report.EndToEnd {
		return nil
	}
	largest := 0
	for _, b := range r.bodies {
		largest = max(largest, len(b))
	}
	r.perTime = r.MaxBytes / int64(r.Rounds) / int64(largest)
	if r.perTime < warmupShare {
		return fmt.Errorf("%w: --max-bytes %d; allowed: at least %d for %d rounds", ErrConfig, r.MaxBytes,
			warmupShare*int64(r.Rounds)*int64(largest), r.Rounds)
	}
	return nil
}

func (r *run) all(ctx context.Context) error {
	if r.Pin {
		undo, err := pinSelf()
		if err != nil {
			return err
		}
		defer undo()
	}
	if err := r.start(ctx); err != nil {
		return err
	}
	for i := range r.Rounds {
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

func (r *run) stop() {
	if r.growth != nil {
		r.growth.stop(r.Target != "")
	}
	if r.Target != "" && r.left != "" { // what an error has left; a server of ours takes its topics along
		for _, s := range r.servers {
			if s.child == nil {
				_, _ = newAPI(s.address, r.Timeout).deleteTopic(context.Background(), r.left)
			}
		}
	}
	for _, s := range r.servers {
		s.stop()
	}
}

func (r *run) round(ctx context.Context, i int, round *report.Round) error {
	for _, s := range r.sides {
		err := s.measure(ctx, i, round)
		if err != nil {
			return s.server.explain(ctx, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return nil
}

// took keeps one measurement of a round, also what an error has left of it.
func (r *run) took(i int, round *report.Round, name string, s drive.Sample, err error) error {
	if s.Tally == nil || s.OK == 0 {
		if err == nil {
			err = fmt.Errorf("%w: %s", errNoSuccess, s.First)
		}
		return err
	}
	round.Take(name, s)
	r.noticeEarly(name, s)
	r.tell(i, name, s)
	return err
}

// phases warms up and measures with one driver. It sends at most limit requests in all; zero is no limit.
func (r *run) phases(ctx context.Context, d *drive.Driver, name string, round int, limit int64) (drive.Sample, error) {
	if r.Warmup > 0 {
		if _, err := d.Run(ctx, drive.NewPhase(r.Warmup, limit/warmupShare, r.perSecond())); err != nil {
			return drive.Sample{}, fmt.Errorf("warm-up: %w", err)
		}
		limit -= limit / warmupShare
	}
	if n := r.requests(); n > 0 && (limit == 0 || n < limit) {
		limit = n
	}
	d.Watch = r.watcher(name, round)
	return d.Run(ctx, drive.NewPhase(r.Duration, limit, r.perSecond()))
}

// early counts rounds that were short of their time, and the shortest of them.
type early struct {
	rounds int
	least  time.Duration
}

func (r *run) noticeEarly(name string, s drive.Sample) {
	if name != r.Workload || r.perTime == 0 || !s.UsedUp || (r.Records > 0 && s.All() >= r.requests()) {
		return
	}
	if r.early.rounds++; r.early.rounds == 1 || s.Elapsed < r.early.least {
		r.early.least = s.Elapsed
	}
}

// noteEarlyEnds says that rounds were short of their time, lest the disk or the memory fill.
func (r *run) noteEarlyEnds() {
	if r.early.rounds > 0 {
		r.report.Note(fmt.Sprintf("%d of %d rounds of %s ended early, after %v at the least: more would pass %s",
			r.early.rounds, r.Rounds, r.Workload, r.early.least.Round(time.Millisecond),
			"--max-bytes "+humanize.IBytes(uint64(r.MaxBytes))))
	}
}

func (r *run) tell(i int, name string, s drive.Sample) {
	r.Progress(fmt.Sprintf("round %d/%d  %-7s  %s", i+1, r.Rounds, name, report.Line(s)))
}

// errNoSuccess is returned when a server refused all that was sent: there is nothing to report on.
var errNoSuccess = errors.New("no request succeeded")
