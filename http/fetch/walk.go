package fetch

import "flashq/segment/batch"

// walk takes records out of batches into an answer.
type walk struct {
	tally   *tally
	buffers *buffers
	sink    taker
	records batch.Iterator
	found   found // points into records
}

// found is a record on its way into an answer, lent to a sink for one call.
type found struct {
	partition int
	batch     batch.Batch // as it is stored
	offset    int64
	time      int64 // milliseconds
	size      int   // as the limits count
	record    *batch.Record
}

// batches takes the records of the batches in raw; stop means that the share is used up.
func (w *walk) batches(c *cursor, raw []byte, left *share) (stop bool) {
	for len(raw) > 0 && c.readable() {
		b, rest, err := batch.Next(raw)
		raw = rest
		if err != nil {
			c.spoil(c.next + 1)
			break
		}
		if b.LastOffset() < c.next {
			continue
		}
		if b.IsControl() {
			c.next = min(b.LastOffset()+1, c.end)
			continue
		}
		if w.batch(c, b, left) {
			return true
		}
	}
	return false
}

// batch takes the records of one batch from c.next on.
func (w *walk) batch(c *cursor, b batch.Batch, left *share) (stop bool) {
	end := b.LastOffset() + 1
	plain, err := w.buffers.unpack(b)
	if err != nil {
		c.next = max(c.next, b.BaseOffset())
		c.spoil(end)
		c.trouble.why = w.buffers.codecs.Why(b, err)
		return true
	}
	if w.tally.taken.Records == 0 {
		w.sink.expect(w.expected(plain, c.end-c.next))
	}
	w.records = plain.Records()
	w.found = found{partition: c.partition, batch: b, record: &w.records.Record}
	for had := w.records.Left(); w.records.Next(); had = w.records.Left() {
		offset := b.BaseOffset() + int64(w.records.Record.OffsetDelta)
		if offset < c.next {
			continue
		}
		if offset >= c.end {
			break
		}
		w.found.offset, w.found.time = offset, timeOf(b, &w.records.Record)
		w.found.size = sizeOf(&w.records.Record)
		if !w.admit(c, left) {
			return true
		}
		w.tally.stored += had - w.records.Left()
		w.sink.add(&w.found)
		c.next = offset + 1
		if w.tally.left().Records == 0 {
			return true
		}
	}
	if w.records.Err() != nil {
		c.spoil(end)
		return true
	}
	c.next = max(c.next, min(end, c.end))
	return false
}

// admit counts the record that was found, if it still goes into the answer and its partition's share.
func (w *walk) admit(c *cursor, left *share) bool {
	size := w.found.size
	if w.tally.taken.Records > 0 && size > w.tally.left().Bytes {
		c.full = true
		return false
	}
	if left.Records == 0 || size > left.Bytes && left.begun {
		return false
	}
	left.begun = true
	left.Records--
	left.Bytes -= size
	w.tally.taken.Records++
	w.tally.taken.Bytes += size
	return true
}

// expected is about how long the answer gets if all records are like those of the first batch, of which so many are to
// be had in its partition: a large one need not move as it grows.
func (w *walk) expected(b batch.Batch, readable int64) int {
	const perRecord = 128 // names, offset and time
	left := w.tally.left()
	each := len(b) / max(int(b.Count()), 1)
	taken := int(min(int64(left.Records), readable))
	taken = min(taken, left.Bytes/max(each, 1)+1)
	return taken * (each*9/8 + perRecord)
}

// timeOf is the timestamp of a batch's record in milliseconds.
func timeOf(b batch.Batch, r *batch.Record) int64 {
	if b.IsLogAppendTime() {
		return b.MaxTimestamp()
	}
	return b.BaseTimestamp() + r.TimestampDelta
}

// sizeOf counts a record as max_bytes does: key, value and headers.
func sizeOf(r *batch.Record) int {
	size := len(r.Key) + len(r.Value)
	if r.HeaderCount() == 0 {
		return size
	}
	for it := r.Headers(); it.Next(); {
		size += len(it.Header.Key) + len(it.Header.Value)
	}
	return size
}
