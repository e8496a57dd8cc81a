package recordjson

import (
	"flashq/http/recordbody"
	"flashq/segment/batch"
	"flashq/slab"
)

// part is one partition's batch while it is built; its Buf is a slab.
type part struct {
	batch.Builder
	partition int
	timed     bool             // some record came with a timestamp
	lastClock recordbody.Clock // of the last one's
}

// recordRoom is more than a record takes beside its key, value and headers: seven varints, the attributes, the batch's
// header before the first record, and what appendText may write over.
const recordRoom = 64 + batch.HeaderSize + overshoot

// place appends the record that was just read, length bytes of JSON, to its partition's batch.
func (d *Decoder) place(length int) *Error {
	r := &d.rec
	spread := false
	partition := r.partition
	switch {
	case partition >= 0:
		spread = true
	case d.target.Partition >= 0:
		partition = d.target.Partition
	case r.key != nil:
		partition, spread = batch.Partition(r.key, d.target.Partitions), true
	default:
		partition = d.target.Sticky
	}
	need := recordRoom + len(r.key) + r.value.size + r.headerBytes
	i := int(d.byPartition[partition]) - 1
	if i < 0 {
		i = d.addPart(partition, d.firstSlab(need, length, spread))
	}
	p := &d.parts[i]
	if cap(p.Buf)-len(p.Buf) < need {
		p.Buf = slab.Grow(p.Buf, need)
	}
	p.lastClock = r.clock
	p.timed = p.timed || r.clock != recordbody.BrokerClock
	d.write(p, r)
	d.req.Count++
	d.req.LastPart = i
	if d.target.Placements {
		named := r.partition >= 0 || d.target.Partition >= 0
		d.req.Placements = append(d.req.Placements, Placement{Part: int32(i), Named: named, Time: r.clock})
	}
	return nil
}

func (d *Decoder) addPart(partition, size int) int {
	d.parts = append(d.parts, part{partition: partition})
	i := len(d.parts) - 1
	d.parts[i].Reset(slab.Get(size))
	d.byPartition[partition] = int32(i + 1)
	return i
}

// firstSlab is the size in bytes of a new part's slab. Encoded, records are never larger than their JSON, so one slab
// of what is left of the body is enough for all. Where records spread, each part gets its share and a quarter more.
func (d *Decoder) firstSlab(need, length int, spread bool) int {
	left := len(d.p) - d.i + length
	shares := min(d.target.Partitions, left/length)
	if !spread || shares <= 1 {
		return left + recordRoom
	}
	return max(need, left/shares*5/4+recordRoom)
}

// write encodes r in p, which has room for it.
func (d *Decoder) write(p *part, r *record) {
	s := batch.Sizes{Key: -1, Value: r.value.size, Headers: r.headerBytes, HeaderCount: len(r.headers)}
	if r.key != nil {
		s.Key = len(r.key)
	}
	if r.null {
		s.Value = -1
	}
	p.Begin(r.timestamp, s)
	p.Buf = append(p.Buf, r.key...)
	p.BeginValue(s.Value)
	p.Buf = d.appendText(p.Buf, &r.value)
	p.BeginHeaders(s.HeaderCount)
	for i := range r.headers {
		p.Buf = appendHeader(p.Buf, &r.headers[i])
	}
}

func appendHeader(dst []byte, h *batch.Header) []byte {
	dst = append(batch.AppendVarint(dst, int64(len(h.Key))), h.Key...)
	if h.Value == nil {
		return batch.AppendVarint(dst, -1)
	}
	return append(batch.AppendVarint(dst, int64(len(h.Value))), h.Value...)
}
