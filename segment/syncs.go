package segment

import (
	"os"
	"slices"
	"sync"
)

// syncs bounds how many syncs run at a time. Who finds no turn waits in line, and nobody has two places in it: a log
// has one sync out. Where the line is long, one sync of the whole file system serves all who stand in it.
type syncs struct {
	whole wholeSync // set before use

	mu       sync.Mutex
	free     int        // turns that nobody has
	line     []*syncing // oldest first
	atWhole  bool       // one of the whole is under way
	distrust bool       // one of the whole failed
}

// wholeSync makes everything on the file system of a data folder durable with one call.
type wholeSync interface {
	// covers tells whether an open file is on that file system: a folder below the root may be mounted from elsewhere.
	covers(f *os.File) bool
	coversName(path string) bool
	sync() error
}

// noWholeSync is where that can't be relied on.
type noWholeSync struct{}

func (noWholeSync) covers(*os.File) bool   { return false }
func (noWholeSync) coversName(string) bool { return false }
func (noWholeSync) sync() error            { panic("segment: nothing is covered") }

// syncing is one who waits in line.
type syncing struct {
	covered bool         // the whole includes it
	turn    chan outcome // capacity 1
}

// outcome is how waiting ends: with a turn, or with what another's sync of the whole came to.
type outcome struct {
	done  bool
	err   error
	whole bool       // for who has the turn: sync the whole, also for others
	all   []*syncing // those others
}

// wholeFrom is how long the line is from which on the whole is synced: for a few, it may have far too much to write.
const wholeFrom = 64

func newSyncs(n int, whole wholeSync) *syncs { return &syncs{free: n, whole: whole} }

// run has one thing synced: by itself, or with the whole file system if that covers it.
func (s *syncs) run(covered bool, one func() error) error {
	got := s.wait(covered)
	if got.done {
		return got.err
	}
	defer s.leave()
	if !got.whole {
		return one()
	}
	err := s.whole.sync()
	s.told(got.all, err)
	return err
}

// wait ends with a turn, or with what a sync of the whole came to.
func (s *syncs) wait(covered bool) outcome {
	me := &syncing{covered: covered, turn: make(chan outcome, 1)}
	s.mu.Lock()
	s.line = append(s.line, me)
	s.serve()
	s.mu.Unlock()
	return <-me.turn
}

func (s *syncs) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	s.serve()
}

// serve gives turns as long as any is free. mu is held.
func (s *syncs) serve() {
	for s.free > 0 && len(s.line) > 0 {
		if len(s.line) >= wholeFrom && !s.atWhole && !s.distrust {
			if all := s.takeCovered(); len(all) > 0 {
				s.free, s.atWhole = s.free-1, true
				all[0].turn <- outcome{whole: true, all: all[1:]}
				continue
			}
		}
		next := slices.IndexFunc(s.line, s.mayGo)
		if next < 0 {
			return
		}
		s.free--
		s.line[next].turn <- outcome{}
		s.line = slices.Delete(s.line, next, next+1)
	}
}

// mayGo keeps who could be served by a sync of the whole waiting while one is under way: it would slow that down, and
// the next one serves all who came meanwhile.
func (s *syncs) mayGo(w *syncing) bool { return !s.atWhole || !w.covered }

// takeCovered takes all out of the line whom a sync of the whole serves.
func (s *syncs) takeCovered() []*syncing {
	var all []*syncing
	s.line = slices.DeleteFunc(s.line, func(w *syncing) bool {
		if w.covered {
			all = append(all, w)
		}
		return w.covered
	})
	return all
}

// told ends a sync of the whole. One that failed has failed for all whom it covered; it is the last: the kernel tells a
// failure once, and who writes now would not hear of it from the next.
func (s *syncs) told(all []*syncing, err error) {
	s.mu.Lock()
	s.atWhole, s.distrust = false, s.distrust || err != nil
	s.mu.Unlock()
	for _, w := range all {
		w.turn <- outcome{done: true, err: err}
	}
}
