package fetch

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"flashq/slab"
)

// document is an answer as one JSON object.
type document struct{ text }

const documentHead = `{"records":[`

func (d *document) add(r *found) {
	first := d.slab == nil
	d.grow(r)
	if first {
		d.slab = append(d.slab, documentHead...)
	} else {
		d.slab = append(d.slab, ',')
	}
	d.write(r)
}

// finish writes what follows the records.
func (d *document) finish(_ *fasthttp.ResponseHeader, r *result) []byte {
	const perPartition = 256
	t := d.slab
	if t == nil {
		t = append(slab.Get(d.size), documentHead...)
	}
	d.slab = nil
	t = append(slab.Grow(t, 256+len(r.cursors)*perPartition), ']')
	if len(r.cursors) == 1 {
		t = appendField(t, "next_offset", r.nextOffset())
		t = appendField(t, "high_water_mark", r.cursors[0].high)
	}
	t = appendField(t, "lag", r.lag())
	t = append(t, `,"position":"`...)
	t = r.appendPosition(t)
	t = append(t, `","partitions":[`...)
	for i := range r.cursors {
		if i > 0 {
			t = append(t, ',')
		}
		t = r.cursors[i].appendState(t, r.query.HasUntil)
	}
	t = append(t, ']')
	t = r.reader.appendTo(t, r.plan, r.cursors)
	return append(t, '}', '\n')
}

// appendState writes a partition's entry, with the end if there is one to be told.
func (c *cursor) appendState(t []byte, withEnd bool) []byte {
	t = append(t, `{"partition":`...)
	t = strconv.AppendInt(t, int64(c.partition), 10)
	t = appendField(t, "next_offset", c.next)
	t = appendField(t, "high_water_mark", c.high)
	t = appendField(t, "earliest", c.earliest)
	t = appendField(t, "gap", c.gap)
	if beyond := c.beyond(); beyond > 0 {
		t = appendField(t, "beyond", beyond)
	}
	if withEnd && c.trouble.kind != down {
		t = appendField(t, "end", c.end)
	}
	if c.truncated > 0 {
		t = appendField(t, "truncated", c.truncated)
	}
	if c.trouble.kind != noTrouble {
		t = append(t, `,"error":{`...)
		t = append(c.trouble.appendTo(t, -1), '}')
	}
	return append(t, '}')
}

// appendTo writes the members of an error object, with the partition unless that is -1.
func (e *trouble) appendTo(t []byte, partition int) []byte {
	if e.kind == damaged {
		t = append(t, `"error":"corrupt_data"`...)
	} else {
		t = append(t, `"error":"storage_error","retryable":true`...)
	}
	if partition >= 0 {
		t = appendField(t, "partition", int64(partition))
	}
	switch e.kind {
	case damaged:
		t = appendField(t, "first_offset", e.first)
		t = appendField(t, "next_good_offset", e.resume)
		if e.why != "" { // which needs no escape
			t = append(append(append(t, `,"reason":"`...), e.why...), '"')
		}
	case unreadable:
		t = appendField(t, "first_offset", e.first)
		t = appendField(t, "next_offset", e.resume)
	}
	return t
}

func appendField(t []byte, name string, value int64) []byte {
	t = append(t, `,"`...)
	t = append(t, name...)
	t = append(t, `":`...)
	return strconv.AppendInt(t, value, 10)
}
