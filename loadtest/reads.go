package loadtest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// fetch is one prebuilt request of consume.
type fetch struct {
	request   []byte
	partition int
	offset    int64
}

// reads is a loop's part of consume: it asks fetches in turn and counts the records that come.
type reads struct {
	load   report.Load
	list   []fetch
	apart  int               // what the connections begin apart
	at     map[int]int       // the fetch under way of each connection
	counts func(i int) count // of a connection
}

// count finds out how many records an answer holds while it comes.
type count interface {
	drive.Sink
	reset()
	// upTo is the offset after the last record of the answer.
	upTo(f fetch, a *drive.Answer) (int64, error)
}

// newReads gives what consume's connections ask, and what looks at the answers.
func newReads(l report.Load, list []fetch, connections int) (source func(int) drive.Source,
	sink func(int) drive.Sink) {
	counts := make([]count, connections)
	for i := range counts {
		counts[i] = newCount(l)
	}
	of := func(i int) count { return counts[i] }
	source = func(int) drive.Source {
		return &reads{load: l, list: list, apart: max(len(list)/connections, 1), at: map[int]int{}, counts: of}
	}
	return source, func(i int) drive.Sink { return counts[i] }
}

func newCount(l report.Load) count {
	switch {
	case l.Decode:
		return decoded{l.Format}
	case l.Format == "batch":
		return &headers{}
	case l.Format == "ndjson":
		return &lineEnds{}
	case l.Format == "raw":
		return oneRecord{}
	}
	return &tail{}
}

// More implements drive.Source.
func (r *reads) More(int) bool { return true }

// Next implements drive.Source.
func (r *reads) Next(connection int, _ int64) []byte {
	at, known := r.at[connection]
	if at++; !known {
		at = connection * r.apart
	}
	at %= len(r.list)
	r.at[connection] = at
	r.counts(connection).reset()
	return r.list[at].request
}

// Answered implements drive.Source: an answer without the record that was asked for is none.
func (r *reads) Answered(connection int, a *drive.Answer, meant, now int64, t *drive.Tally) error {
	f := r.list[r.at[connection]]
	end, err := r.counts(connection).upTo(f, a)
	if err == nil && end <= f.offset {
		err = fmt.Errorf("the record at offset %d of partition %d is not in it", f.offset, f.partition)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", drive.ErrAnswer, err)
	}
	t.Succeeded(end-f.offset, a.Length(), now-meant)
	return nil
}

func (h *headers) upTo(f fetch, _ *drive.Answer) (int64, error) {
	if h.first > f.offset {
		return 0, fmt.Errorf("it begins at offset %d", h.first)
	}
	return h.end()
}

// lineEnds counts lines.
type lineEnds struct{ n int64 }

func (c *lineEnds) Take(b []byte) { c.n += int64(bytes.Count(b, []byte{'\n'})) }
func (c *lineEnds) reset()        { c.n = 0 }

func (c *lineEnds) upTo(f fetch, _ *drive.Answer) (int64, error) { return f.offset + c.n, nil }

// oneRecord believes a raw answer's headers.
type oneRecord struct{}

func (oneRecord) Take([]byte) {}
func (oneRecord) reset()      {}

func (oneRecord) upTo(_ fetch, a *drive.Answer) (int64, error) {
	list, err := readRaw(a)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].offset + 1, nil
}

// tail keeps the end of a JSON answer, where it says at which offset to go on.
type tail struct{ end []byte }

// tailKept is more than what follows the records.
const tailKept = 512

func (c *tail) Take(b []byte) {
	b = b[max(0, len(b)-tailKept):]
	if over := len(c.end) + len(b) - tailKept; over > 0 {
		c.end = append(c.end[:0], c.end[over:]...)
	}
	c.end = append(c.end, b...)
}

func (c *tail) reset() { c.end = c.end[:0] }

func (c *tail) upTo(fetch, *drive.Answer) (int64, error) {
	const name = `"next_offset":`
	i := bytes.LastIndex(c.end, []byte("],"+name))
	if i < 0 {
		return 0, errors.New("it has no next_offset")
	}
	number, _, _ := bytes.Cut(c.end[i+2+len(name):], []byte(","))
	return strconv.ParseInt(string(number), 10, 64)
}

// decoded takes whole answers apart.
type decoded struct{ format string }

func (decoded) Take([]byte) {}
func (decoded) reset()      {}

func (d decoded) upTo(f fetch, a *drive.Answer) (int64, error) {
	list, err := readAnswer(d.format, a, f.partition)
	next := f.offset
	for _, r := range list {
		if r.offset < f.offset { // the first batch may begin before
			continue
		}
		if r.partition != f.partition || r.offset != next {
			return 0, fmt.Errorf("offset %d of partition %d comes where %d of %d is due", r.offset, r.partition, next,
				f.partition)
		}
		next++
	}
	return next, err
}
