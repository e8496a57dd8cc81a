package http

import (
	"errors"

	"flashq/broker"
	"flashq/http/recordjson"
	"flashq/segment/batch"
	"flashq/segment/slab"
)

// How many bytes one read of storage asks for: little at first, since most fetches want little.
const (
	firstRead = 64 << 10
	mostRead  = 1 << 20
)

// collect looks at those partitions again for which again says so, takes what is readable of them, and lets go of what
// only reading needs.
func (f *fetching) collect(again func(c *cursor) bool) error {
	defer f.settle()
	for i := range f.cursors {
		if c := &f.cursors[i]; again(c) {
			if err := f.look(c); err != nil {
				return err
			}
		}
	}
	if err := f.rounds(); err != nil {
		return err
	}
	return f.afford()
}

func everyCursor(*cursor) bool { return true }

// settle closes the views and keeps no slab but the answer: a fetch that waits must cost little.
func (f *fetching) settle() {
	for i := range f.cursors {
		f.cursors[i].close()
	}
	slab.Put(f.raw)
	slab.Put(f.plain)
	f.raw, f.plain = nil, nil
	f.hold.lower(cap(f.text))
}

// afford accounts for the slabs as they are now.
func (f *fetching) afford() error {
	if f.hold.raise(cap(f.text) + cap(f.raw) + cap(f.plain)) {
		return nil
	}
	return f.s.overloaded("Too many bytes of answers are being sent")
}

// look opens a cursor's view, again if retention was faster than the search for its start.
func (f *fetching) look(c *cursor) (err error) {
	for range maxGone {
		if err = c.look(f); !errors.Is(err, broker.ErrGone) {
			return err
		}
	}
	return err
}

// rounds shares the budgets fairly: in each round every readable partition gets an equal share of what is left, at
// least one record, and what some leave over goes round again.
func (f *fetching) rounds() error {
	for {
		readers := 0
		for i := range f.cursors {
			if f.cursors[i].view != nil && f.cursors[i].readable() {
				readers++
			}
		}
		if readers == 0 || f.recordsLeft == 0 || f.cutShort() {
			return nil
		}
		records, size := max(f.recordsLeft/readers, 1), f.bytesLeft/readers
		for i := range f.cursors {
			c := &f.cursors[i]
			if c.view == nil || !c.readable() || f.recordsLeft == 0 {
				continue
			}
			before := c.next
			if err := f.take(c, share{min(records, f.recordsLeft), size}); err != nil {
				return err
			}
			if c.next != before {
				c.idle = 0
			}
		}
	}
}

// cutShort tells that a scan which may find nothing for long has to end: to_time leaves records out, and since their
// timestamps need not be in order, it looks at all of them up to the end.
func (f *fetching) cutShort() bool { return f.query.hasUntil && f.s.draining() }

// share is what one partition may take in one round.
type share struct{ records, size int }

// take reads a partition until its share is used up, its end, a limit or damage. It always gets on: by a record at
// least, or to one of those.
func (f *fetching) take(c *cursor, left share) error {
	first, gone := true, 0
	want := min(max(left.size, batch.HeaderSize), firstRead)
	for c.readable() && !f.cutShort() {
		if cap(f.raw) < want {
			slab.Put(f.raw)
			f.raw = slab.Get(want)
		}
		raw, err := c.view.Read(f.raw[:0], c.next, want)
		if cap(raw) != cap(f.raw) { // a batch larger than want moved it
			slab.Put(f.raw)
		}
		f.raw = raw
		switch {
		case errors.Is(err, broker.ErrGone) && gone < maxGone:
			gone++
			if err := f.look(c); err != nil {
				return err
			}
			continue
		case err != nil:
			return c.readFault(err)
		case len(raw) == 0:
			c.high = c.next // the engine has nothing there, whatever it said
			return nil
		}
		if err := f.afford(); err != nil {
			return err
		}
		stop, err := f.walk(c, raw, &left, &first)
		if stop || err != nil {
			return err
		}
		want = min(2*want, mostRead)
	}
	return nil
}

// walk takes the records of the batches in raw; stop means that the share is used up.
func (f *fetching) walk(c *cursor, raw []byte, left *share, first *bool) (stop bool, err error) {
	for len(raw) > 0 && c.readable() {
		b, rest, err := batch.Next(raw)
		if err != nil {
			c.spoil(c.next + 1)
			return true, nil
		}
		raw = rest
		if b.LastOffset() < c.next {
			continue
		}
		if b.IsControl() {
			c.next = b.LastOffset() + 1
			continue
		}
		if stop, err = f.walkBatch(c, b, left, first); stop || err != nil {
			return stop, err
		}
	}
	return false, nil
}

// walkBatch takes the records of one batch from c.next on.
func (f *fetching) walkBatch(c *cursor, b batch.Batch, left *share, first *bool) (stop bool, err error) {
	end := b.LastOffset() + 1
	plain, err := f.uncompressed(b)
	if err != nil {
		c.next = max(c.next, b.BaseOffset())
		c.spoil(end)
		return true, nil
	}
	it := plain.Records()
	for it.Next() {
		offset := b.BaseOffset() + int64(it.Record.OffsetDelta)
		if offset < c.next {
			continue
		}
		time := timeOf(b, &it.Record)
		if f.query.hasUntil && time >= f.query.until {
			continue
		}
		size := recordSize(&it.Record)
		if f.count > 0 && size > f.bytesLeft {
			c.full = true
			return true, nil
		}
		if left.records == 0 || size > left.size && !*first {
			return true, nil
		}
		*first = false
		left.records--
		left.size -= size
		f.append(c.partition, offset, time, &it.Record, size)
		c.next = offset + 1
		if f.recordsLeft == 0 {
			return true, nil
		}
	}
	if it.Err() != nil {
		c.spoil(end)
		return true, nil
	}
	c.next = max(c.next, end)
	return false, nil
}

// append adds one record to the answer.
func (f *fetching) append(partition int, offset, time int64, r *batch.Record, size int) {
	f.openText()
	if f.format == formatJSON && f.count > 0 {
		f.text = append(f.text, ',')
	}
	// Enough for nearly every record; where escapes need more, append moves the text and the slab goes back here.
	f.text = slab.Grow(f.text, size+size/4+256)
	before := f.text
	f.text = recordjson.AppendRecord(f.text, partition, offset, time, r, f.options)
	if cap(f.text) != cap(before) {
		slab.Put(before)
	}
	if f.format == formatNDJSON {
		f.text = append(f.text, '\n')
	}
	f.count++
	f.size += size
	f.recordsLeft--
	f.bytesLeft -= size
}

// openText starts the answer; not before there is something to say, since a fetch may wait.
func (f *fetching) openText() {
	if f.text != nil {
		return
	}
	f.text = slab.Get(min(len(f.raw), firstRead))
	if f.format == formatJSON {
		f.text = append(f.text, `{"records":[`...)
	}
}

// timeOf is a record's timestamp in milliseconds.
func timeOf(b batch.Batch, r *batch.Record) int64 {
	if b.IsLogAppendTime() {
		return b.MaxTimestamp()
	}
	return b.BaseTimestamp() + r.TimestampDelta
}

// recordSize counts as max_bytes does: key, value and headers.
func recordSize(r *batch.Record) int {
	size := len(r.Key) + len(r.Value)
	if r.HeaderCount() == 0 {
		return size
	}
	for it := r.Headers(); it.Next(); {
		size += len(it.Header.Key) + len(it.Header.Value)
	}
	return size
}
