package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

const (
	// fullParcel is how long a request's body grows before it has to be sent, even if another one is under way.
	fullParcel = 2 << 20
	chunk      = 256 << 10 // of one read
)

// parcel is the lines that go in one request.
type parcel struct {
	body    []byte // NDJSON
	first   int    // the number of the first line
	lines   int    // blank ones, which are no records, included
	key     string // Idempotency-Key
	records int
}

// feed turns an input into parcels while the request before is under way: a line that comes alone is offered at once,
// lines that come fast fill parcels. One goroutine owns it, until out is closed.
type feed struct {
	encoder *recordEncoder // nil: lines are NDJSON already
	skip    int            // lines that were stored by an earlier run
	again   *parcel        // what that run got no answer to: lines and key; nil: nothing
	newKey  func() string

	out  chan parcel
	quit <-chan struct{} // closed when nobody takes parcels any more

	line  int // the number of the last line that was taken
	cur   parcel
	chunk []byte // what was read and not taken yet
	part  []byte // the start of a line whose end is to come

	// valid after out is closed
	wrong int   // the number of a line that is too long; 0: none
	err   error // what is wrong with the input
	whole bool  // the input was read to its end
}

// read feeds the lines of in until its end, or until ctx ends: then what was read is offered, and that was all. The
// goroutine that reads from in may outlive it, as reading from a terminal can't be ended.
func (f *feed) read(ctx context.Context, in io.Reader) {
	defer close(f.out)
	chunks, failed := readChunks(in, f.quit)
	f.begin()
	for {
		if f.err = f.split(); f.err != nil {
			f.flush()
			return
		}
		more, out := chunks, f.out
		if f.full() {
			more = nil
		}
		if !f.ready() {
			out = nil
		}
		select {
		case c, open := <-more:
			if !open {
				f.end(*failed)
				return
			}
			f.chunk = c
		case out <- f.cur:
			f.begin()
		case <-ctx.Done():
			f.flush()
			return
		case <-f.quit:
			return
		}
	}
}

// values feeds the arguments of the command line, each as it is.
func (f *feed) values(all []string) {
	defer close(f.out)
	f.begin()
	for _, v := range all {
		if f.err = f.take([]byte(v)); f.err != nil {
			break
		}
		if f.full() {
			f.flush()
		}
	}
	f.end(f.err)
}

// readChunks reads ahead by one chunk. The error is valid when the channel is closed; the input's end is none.
func readChunks(in io.Reader, quit <-chan struct{}) (<-chan []byte, *error) {
	chunks, failed := make(chan []byte), new(error)
	go func() {
		defer close(chunks)
		buffer, other := make([]byte, chunk), make([]byte, chunk)
		for ; ; buffer, other = other, buffer { // who takes one is done with the one before
			n, err := in.Read(buffer)
			if n > 0 {
				select {
				case chunks <- buffer[:n]:
				case <-quit:
					return
				}
			}
			if err != nil {
				if err != io.EOF { //nolint:errorlint // io.EOF is never wrapped
					*failed = err
				}
				return
			}
		}
	}()
	return chunks, failed
}

// split takes lines from what was read, until the parcel is full or a line's end is missing.
func (f *feed) split() error {
	for len(f.chunk) > 0 && !f.full() {
		line, rest, whole := bytes.Cut(f.chunk, []byte{'\n'})
		f.chunk = rest
		if !whole || len(f.part) > 0 {
			if err := f.join(line); err != nil {
				return err
			}
			line = f.part
		}
		if !whole {
			return nil
		}
		if err := f.take(line); err != nil {
			return err
		}
		f.part = f.part[:0]
	}
	return nil
}

// join adds to a line that comes in parts. Of one that is skipped anyhow nothing is kept but that it has begun.
func (f *feed) join(part []byte) error {
	if f.line < f.skip {
		f.part = append(f.part[:0], 'x')
		return nil
	}
	f.part = append(f.part, part...)
	if len(f.part) > maxBody {
		return f.tooLong()
	}
	return nil
}

func (f *feed) tooLong() error {
	f.wrong = f.line + 1
	return fmt.Errorf("line %d is longer than a request may be, %s", f.wrong, sizeText(int64(maxBody)))
}

// take puts a line into the parcel.
func (f *feed) take(line []byte) error {
	if f.line < f.skip {
		f.line++
		f.cur.first = f.line + 1
		return nil
	}
	if len(line) > maxBody {
		return f.tooLong()
	}
	f.line++
	switch blank := f.encoder == nil && len(bytes.TrimSpace(line)) == 0; {
	case blank && f.cur.lines == 0 && f.again == nil: // a parcel begins with a record
		f.cur.first++
		return nil
	case !blank:
		f.cur.records++
	}
	f.cur.lines++
	if f.encoder != nil {
		f.cur.body = f.encoder.append(f.cur.body, line)
	} else {
		f.cur.body = append(append(f.cur.body, line...), '\n')
	}
	return nil
}

// begin starts the next parcel: first the one of an earlier run, whose lines and key are known.
func (f *feed) begin() {
	length := len(f.cur.body)
	f.cur = parcel{first: f.line + 1, body: make([]byte, 0, length+length/8)} // the next is often as long
	if f.again == nil || f.line > f.skip {
		f.again = nil
		f.cur.key = f.newKey()
		return
	}
	f.cur.key = f.again.key
}

func (f *feed) full() bool {
	if f.again != nil {
		return f.cur.lines == f.again.lines
	}
	return len(f.cur.body) >= fullParcel
}

// ready tells whether the parcel may be sent. One of an earlier run must be what it was then.
func (f *feed) ready() bool {
	if f.again != nil {
		return f.full()
	}
	return f.cur.records > 0
}

// flush offers what the parcel holds; the next one begins.
func (f *feed) flush() {
	if !f.ready() {
		return
	}
	select {
	case f.out <- f.cur:
		f.begin()
	case <-f.quit:
	}
}

// end takes a last line that has no line end, and says what is missing.
func (f *feed) end(err error) {
	if f.err = err; err == nil && len(f.part) > 0 {
		f.err = f.take(f.part)
	}
	if f.err == nil && f.again != nil && !f.full() {
		f.err = fmt.Errorf("it ends before the %d that --unanswered is about; is it the same input?", f.again.lines)
	}
	f.flush()
	f.whole = f.err == nil
}
