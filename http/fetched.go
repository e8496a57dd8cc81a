package http

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/valyala/fasthttp"

	"flashq/segment/slab"
)

// answer writes what the fetch found; the text's slab goes along until it is sent.
func (f *fetching) answer(ctx *fasthttp.RequestCtx, mediaType string) {
	inOrder := func(a, b cursor) int { return cmp.Compare(a.partition, b.partition) }
	if !slices.IsSortedFunc(f.cursors, inOrder) {
		slices.SortFunc(f.cursors, inOrder)
	}
	if f.format == formatJSON {
		f.closeText()
	} else {
		f.putHeaders(&ctx.Response.Header)
	}
	ctx.Response.SetStatusCode(fasthttp.StatusOK)
	ctx.Response.Header.SetContentType(mediaType)
	f.text = f.s.compress(ctx, f.text)
	f.hold.lower(cap(f.text))
	lend(ctx, f.text, &f.hold)
	f.text = nil
}

// closeText writes what follows the records in a JSON answer.
func (f *fetching) closeText() {
	const perPartition = 256
	f.openText()
	t := append(slab.Grow(f.text, 256+len(f.cursors)*perPartition), ']')
	if len(f.cursors) == 1 {
		t = appendField(t, "next_offset", f.nextOffset())
		t = appendField(t, "high_water_mark", f.cursors[0].high)
	}
	lag := int64(0)
	for i := range f.cursors {
		lag += f.cursors[i].lag()
	}
	t = appendField(t, "lag", lag)
	t = append(t, `,"position":"`...)
	t = f.appendPosition(t)
	t = append(t, `","partitions":[`...)
	for i := range f.cursors {
		if i > 0 {
			t = append(t, ',')
		}
		t = f.cursors[i].appendState(t)
	}
	t = append(t, ']')
	if f.query.group != "" {
		t = f.appendGroup(t)
	}
	t = append(t, '}')
	f.text = t
}

// appendPosition writes where every partition that was read goes on.
func (f *fetching) appendPosition(t []byte) []byte {
	if f.generation != noGeneration {
		t = append(t, 'g')
		t = strconv.AppendInt(t, f.generation, 10)
		t = append(t, ';')
	}
	start := len(t)
	for i := range f.cursors {
		t = appendMark(t, start, f.cursors[i].partition, f.cursors[i].next)
	}
	return t
}

// appendState writes a partition's entry.
func (c *cursor) appendState(t []byte) []byte {
	t = append(t, `{"partition":`...)
	t = strconv.AppendInt(t, int64(c.partition), 10)
	t = appendField(t, "next_offset", c.next)
	t = appendField(t, "high_water_mark", c.high)
	t = appendField(t, "earliest", c.earliest)
	t = appendField(t, "gap", c.gap)
	if c.truncated > 0 {
		t = appendField(t, "truncated", c.truncated)
	}
	if c.damaged {
		t = append(t, `,"error":{"error":"corrupt_data"`...)
		t = c.appendDamage(t)
	}
	return append(t, '}')
}

// appendDamage ends an error object that begins with what is wrong.
func (c *cursor) appendDamage(t []byte) []byte {
	t = appendField(t, "first_offset", c.next)
	t = appendField(t, "next_good_offset", c.nextGood)
	return append(t, '}')
}

func appendField(t []byte, name string, value int64) []byte {
	t = append(t, `,"`...)
	t = append(t, name...)
	t = append(t, `":`...)
	return strconv.AppendInt(t, value, 10)
}

// putHeaders says in headers what NDJSON has no place for.
func (f *fetching) putHeaders(h *fasthttp.ResponseHeader) {
	h.SetCanonical([]byte("FlashQ-Position"), f.appendPosition(nil))
	var gaps, faults []byte
	for i := range f.cursors {
		c := &f.cursors[i]
		if c.gap > 0 {
			gaps = appendMark(gaps, 0, c.partition, c.gap)
		}
		if c.damaged {
			if faults = append(faults, ','); len(faults) == 1 {
				faults[0] = '['
			}
			faults = append(faults, `{"error":"corrupt_data","partition":`...)
			faults = strconv.AppendInt(faults, int64(c.partition), 10)
			faults = c.appendDamage(faults)
		}
	}
	if gaps != nil {
		h.SetCanonical([]byte("FlashQ-Gap"), gaps)
	}
	if faults != nil {
		h.SetCanonical([]byte("FlashQ-Error"), append(faults, ']'))
	}
}
