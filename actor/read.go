package actor

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"

	"flashq/broker"
	"flashq/segment"
	"flashq/segment/batch"
)

// reading asks the owner for a view.
type reading struct {
	reply chan *segment.View // capacity 1
}

// serve answers with what never changes: the handler reads the bytes.
func (r *reading) serve(a *Actor) { r.reply <- a.part.View() }

// view gets an immutable view of the partition; errLeft when the owner has left.
func (a *Actor) view(ctx context.Context) (*segment.View, error) {
	r := &reading{reply: make(chan *segment.View, 1)}
	select {
	case a.asks <- r:
	case <-a.done:
		return nil, errLeft
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case v := <-r.reply:
		return v, nil
	case <-a.done:
		if v, ok := await(r.reply, a.done); ok {
			return v, nil
		}
		return nil, errLeft
	case <-ctx.Done():
		go a.closeLate(r)
		return nil, ctx.Err()
	}
}

// closeLate closes a view whose caller has left; it ends with the reply or with the owner.
func (a *Actor) closeLate(r *reading) {
	if v, ok := await(r.reply, a.done); ok {
		v.Close()
	}
}

// snapshot is a segment.View in broker's words.
type snapshot struct {
	*segment.View

	owner *Actor
}

// LogStart implements broker.Snapshot.
func (s snapshot) LogStart() int64 { return s.Start() }

// HighWatermark implements broker.Snapshot.
func (s snapshot) HighWatermark() int64 { return s.End() }

// Read implements broker.Snapshot.
func (s snapshot) Read(dst []byte, from int64, maxBytes int) ([]byte, error) {
	dst, err := s.View.Read(dst, from, maxBytes)
	return dst, s.readError(err)
}

// Lend implements broker.Lender.
func (s snapshot) Lend(from int64, admit func(head batch.Batch, size int) bool) (lent []broker.Lent, next int64) {
	pieces, next := s.View.Lend(from, admit)
	for _, p := range pieces {
		lent = append(lent, broker.Lent{Bytes: p.Bytes, Held: p.Held(), Release: p.Release})
	}
	return lent, next
}

// OffsetForTime implements broker.Snapshot.
func (s snapshot) OffsetForTime(q broker.TimeSearch) (offset, timestamp int64, ok bool, err error) {
	offset, timestamp, ok, err = s.Find(segment.TimeSearch(q))
	return offset, timestamp, ok, s.readError(err)
}

// readError gives an error of reading its name, which tells clients no cause: the log does, once for each file.
func (s snapshot) readError(err error) error {
	var unreadable *segment.UnreadableError
	if errors.As(err, &unreadable) && !errors.Is(err, segment.ErrGone) {
		s.owner.unreadable.note(s.owner.logger, s.owner.name, unreadable)
	}
	return readError(err)
}

// unreadables are the segments of which the log has said that they can't be read.
type unreadables struct {
	mu    sync.Mutex
	noted map[string]bool
}

// maxNoted bounds them; from then on each may be noted once more.
const maxNoted = 1000

func (u *unreadables) note(logger *slog.Logger, partition string, e *segment.UnreadableError) {
	key := partition + "/" + strconv.FormatInt(e.Segment, 10)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.noted[key] {
		return
	}
	if u.noted == nil || len(u.noted) >= maxNoted {
		u.noted = map[string]bool{}
	}
	u.noted[key] = true
	logger.Warn("a segment can't be read", "partition", partition, "segment", e.Segment, "error", e.Err)
}
