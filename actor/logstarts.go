package actor

import (
	"log/slog"
	"maps"
	"slices"
	"sync"

	"flashq/segment"
)

// logStarts keeps Kafka's log-start-offset-checkpoint: where logs begin whose older files may still be there. A
// partition shows a new start only once it stands here, so that a crash never brings back what retention took. Entries
// go with the files that they are about. One goroutine at a time writes, for all who wait. nil is memory storage, where
// nothing can come back.
type logStarts struct {
	fs     segment.FS
	logger *slog.Logger
	work   *sync.WaitGroup

	writing sync.Mutex      // who writes the file; taken before mu
	spoiled bool            // what the file says can't be read: it gets another name before the first write
	stored  map[string]bool // of which partitions the file speaks

	mu      sync.Mutex
	starts  map[string]int64 // by partition folder
	wishes  map[string]wish
	running bool          // a goroutine writes wishes
	idle    chan struct{} // closed when none does any more
}

// wish is a start that waits to be stored.
type wish struct {
	start int64
	then  func(error)
}

// openLogStarts reads the checkpoint, as far as that can be done.
func openLogStarts(fs segment.FS, logger *slog.Logger, work *sync.WaitGroup) *logStarts {
	s := &logStarts{
		fs: fs, logger: logger, work: work, stored: map[string]bool{}, starts: map[string]int64{},
		wishes: map[string]wish{}, idle: make(chan struct{}),
	}
	close(s.idle)
	starts, err := loadStarts(fs)
	for dir, start := range starts {
		s.starts[dir], s.stored[dir] = start, true
	}
	if err != nil {
		s.spoiled = true
		if kept := s.keep(); kept != nil {
			logger.Error("checkpoint of log starts can't be put aside yet", "error", kept)
		}
		logger.Error("checkpoint of log starts can't be read: what retention took may be seen again", "error", err)
	}
	return s
}

// loadStarts reads the checkpoint by partition folder. The broker's own logs have no use for it: they say again what
// they trim.
func loadStarts(fs segment.FS) (map[string]int64, error) {
	list, err := segment.LoadLogStarts(fs)
	starts := make(map[string]int64, len(list))
	for _, start := range list {
		if dir := partitionDir(start.Topic, start.Partition); !internal(dir) {
			starts[dir] = start.Offset
		}
	}
	return starts, err
}

// keep puts a checkpoint aside that can't be read.
func (s *logStarts) keep() error {
	if !s.spoiled {
		return nil
	}
	name, err := segment.KeepLogStarts(s.fs)
	if err == nil {
		s.spoiled = false
		s.logger.Error("checkpoint of log starts was put aside", "kept_as", name)
	}
	return err
}

// of is where a partition begins; 0 where nothing is known.
func (s *logStarts) of(dir string) int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts[dir]
}

// move asks for a new start. then is told, by another goroutine, when it is stored. flush begins with that.
func (s *logStarts) move(dir string, start int64, then func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wishes[dir] = wish{start, then}
}

// flush has what was asked for stored, in one write. The channel is closed when those who asked have been told.
func (s *logStarts) flush() <-chan struct{} {
	if s == nil {
		return nothing
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running && len(s.wishes) > 0 {
		s.running, s.idle = true, make(chan struct{})
		s.work.Go(s.run)
	}
	return s.idle
}

// nothing is a channel that is closed.
var nothing = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (s *logStarts) run() {
	for {
		wishes, err := s.write()
		for _, w := range wishes {
			w.then(err)
		}
		if s.isDone() {
			return
		}
	}
}

// isDone tells whether nothing more is asked for; then run ends.
func (s *logStarts) isDone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.wishes) > 0 {
		return false
	}
	s.running = false
	close(s.idle)
	return true
}

// write stores all that was asked for.
func (s *logStarts) write() (map[string]wish, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	wishes, starts := s.wishes, maps.Clone(s.starts)
	s.wishes = map[string]wish{}
	s.mu.Unlock()
	if len(wishes) == 0 { // dropped
		return nil, nil
	}
	for dir, w := range wishes {
		starts[dir] = w.start
	}
	err := s.store(starts)
	if err == nil {
		s.mu.Lock()
		for dir, w := range wishes {
			s.starts[dir] = w.start
		}
		s.mu.Unlock()
	}
	return wishes, err
}

// store replaces the file; writing is held.
func (s *logStarts) store(starts map[string]int64) error {
	if err := s.keep(); err != nil {
		return err
	}
	var list []segment.LogStart
	for dir, start := range starts {
		s.stored[dir] = true // from now on it may
		topic, partition := splitDir(dir)
		list = append(list, segment.LogStart{Topic: topic, Partition: partition, Offset: start})
	}
	if err := segment.StoreLogStarts(s.fs, list); err != nil {
		return err
	}
	s.stored = make(map[string]bool, len(starts))
	for dir := range starts {
		s.stored[dir] = true
	}
	return nil
}

// removed tells that no file from before a start is there any more.
func (s *logStarts) removed(dir string, start int64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.starts[dir] <= start {
		delete(s.starts, dir)
	}
}

// drop ends what is said of partitions that are gone, before the file says so, too.
func (s *logStarts) drop(dirs []string) {
	if s == nil {
		return
	}
	s.writing.Lock() // nothing is on its way
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, dir := range dirs {
		delete(s.starts, dir)
		delete(s.wishes, dir)
	}
}

// retain drops what is said of partitions that do not exist.
func (s *logStarts) retain(exists func(topic string, partition int) bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.starts, func(dir string, _ int64) bool { return !exists(splitDir(dir)) })
}

// forget sees to it that nothing is said, in the file either, of partitions that are about to be made, or
// that it is wrong about.
func (s *logStarts) forget(dirs []string) error {
	if s == nil {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	for _, dir := range dirs {
		delete(s.starts, dir)
	}
	starts := maps.Clone(s.starts)
	s.mu.Unlock()
	if !slices.ContainsFunc(dirs, func(dir string) bool { return s.stored[dir] }) {
		return nil
	}
	return s.store(starts)
}
