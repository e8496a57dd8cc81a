package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errUntaken is what taken returns when its context ends before a reader has read all.
var errUntaken = errors.New("what was written last was not read")

// leaving is how long who has just emptied a pipe may take to turn out to be gone: head reads more than the lines that
// it shows.
const leaving = 5 * time.Millisecond

// taken waits until everything that was written to w was read from it, so that it may be acknowledged. errPipe tells
// that who read it is gone; since what a reader had in hand when it left is no more known to be done than what still
// stands in the pipe, that is so even after it emptied the pipe. counted says that the user told how many records are
// wanted: then a reader that has them all may leave.
//
// Where w is no pipe, or the system can't tell what is unread in one, what is written counts as taken.
func taken(ctx context.Context, w io.Writer, counted bool) error {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	var emptySince time.Time
	for pause := time.Millisecond; ; pause = min(2*pause, firstPause) {
		state, ok := lookAtPipe(f)
		switch {
		case !ok, state.unread == 0 && counted:
			return nil
		case state.gone:
			return errPipe
		case state.unread > 0:
			emptySince = time.Time{}
		case emptySince.IsZero():
			emptySince, pause = time.Now(), time.Millisecond
		case time.Since(emptySince) >= leaving:
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errUntaken
		}
	}
}

// pipeState is how a pipe stands, as its writer sees it.
type pipeState struct {
	unread int  // bytes, or some other measure that is 0 when everything was read
	gone   bool // nobody reads from it any more
}

// holdPipe keeps Go from ending the process at a write to a standard output that nobody reads, until the function that
// it gives is called: the write fails with EPIPE instead.
func holdPipe() (release func()) {
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	return func() { signal.Stop(broken) }
}
