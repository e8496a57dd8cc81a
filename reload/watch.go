package reload

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Watch says what is kept up to date.
type Watch struct {
	What  string   // what the files hold, for the log: "the TLS certificate"
	Files []string // all that Load reads
	// Load reads the files and puts what they say in force, or returns why it can't and leaves all as it is. It is
	// never called twice at a time.
	Load   func() error
	Logger *slog.Logger
	Every  time.Duration // between two looks at the files (1 s)
}

// retry is when files that could not be loaded are tried again though they have not changed: what was wrong may have
// been the system, not they.
const retry = 15 * time.Second

// Start loads the files, and has them loaded again whenever they change, until stop is called; it returns when nothing
// of that runs any more. Where they can't be loaded the first time, nothing is started.
func (w Watch) Start() (stop func(), err error) {
	if w.Every == 0 {
		w.Every = time.Second
	}
	r := runner{Watch: w, inForce: look(w.Files)} // before Load: a change while it reads is seen
	if err := w.Load(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	hup, silence := hangups()
	running.Go(func() { r.run(ctx, hup) })
	return func() {
		cancel()
		silence()
		running.Wait()
	}, nil
}

// runner belongs to the goroutine that looks.
type runner struct {
	Watch

	inForce state // of the files that were loaded last, or tried to
	before  state // at the look before
	failed  string
	again   time.Time // when to try again after a failure
}

func (r *runner) run(ctx context.Context, hup <-chan os.Signal) {
	ticks := time.NewTicker(r.Every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			r.failed = "" // who asks gets an answer
			r.load(look(r.Files))
		case <-ticks.C:
			r.tick()
		}
	}
}

// tick loads files that have changed and stay as they are for two looks: one that is still written to, or a pair of
// which one is still the old one, would be an error that nobody made.
func (r *runner) tick() {
	now := look(r.Files)
	settled := now.same(r.before)
	r.before = now
	switch {
	case !settled:
	case !now.same(r.inForce), r.failed != "" && time.Now().After(r.again):
		r.load(now)
	}
}

// load tells of an error once, as long as it is the same of the same files.
func (r *runner) load(now state) {
	known := r.failed
	if !now.same(r.inForce) {
		known = ""
	}
	r.inForce, r.failed = now, ""
	err := r.Load()
	if err == nil {
		r.Logger.Info("reloaded " + r.What)
		return
	}
	r.failed, r.again = err.Error(), time.Now().Add(retry)
	if r.failed != known {
		r.Logger.Error("can't reload "+r.What+"; what was read before stays in force", "error", err)
	}
}
