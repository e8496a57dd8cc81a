package http

import (
	"flashq/segment/batch"
	"flashq/segment/slab"
)

// walk takes the records of the batches in raw; stop means that the share is used up.
func (f *fetching) walk(c *cursor, raw []byte, left *share) (stop bool) {
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
			c.next = b.LastOffset() + 1
			continue
		}
		if f.walkBatch(c, b, left) {
			return true
		}
	}
	return false
}

// walkBatch takes the records of one batch from c.next on.
func (f *fetching) walkBatch(c *cursor, b batch.Batch, left *share) (stop bool) {
	end := b.LastOffset() + 1
	plain, err := f.uncompressed(b)
	if err != nil {
		c.next = max(c.next, b.BaseOffset())
		c.spoil(end)
		return true
	}
	if f.text == nil {
		f.room = f.expected(plain, c.high-c.next)
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
			return true
		}
		if left.records == 0 || size > left.size && left.taken {
			return true
		}
		left.taken = true
		left.records--
		left.size -= size
		f.append(c.partition, offset, time, &it.Record, size)
		c.next = offset + 1
		if f.recordsLeft == 0 {
			return true
		}
	}
	if it.Err() != nil {
		c.spoil(end)
		return true
	}
	c.next = max(c.next, end)
	return false
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
	f.text = f.writer.Append(f.text, partition, offset, time, r)
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

// expected is about how long the answer gets if all records are like those of the first batch, of which so many are to
// be had in its partition: a large one need not move as it grows.
func (f *fetching) expected(b batch.Batch, readable int64) int {
	const perRecord = 128 // names, offset and time
	each := len(b) / max(int(b.Count()), 1)
	taken := int(min(int64(f.recordsLeft), readable))
	taken = min(taken, f.bytesLeft/max(each, 1)+1)
	return taken * (each*9/8 + perRecord)
}

// openText starts the answer; not before there is something to say, since a fetch may wait.
func (f *fetching) openText() {
	if f.text != nil {
		return
	}
	f.text = slab.Get(f.room)
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
