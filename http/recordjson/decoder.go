package recordjson

import (
	"flashq/segment/batch"
	"flashq/slab"
)

// Decoder turns a produce body into batches. Its zero value is ready; it belongs to one goroutine at a time and is
// worth pooling, because it keeps its working memory. Each success is followed by one Release.
type Decoder struct {
	scanner

	target Target
	rec    record
	parts  []part
	// byPartition is for each partition its index in parts plus one, 0 where it has none.
	byPartition []int32
	req         Request
}

// JSON decodes a body of the form {"records":[...]}. The error is always an *Error; nothing is kept then.
func (d *Decoder) JSON(body []byte, t Target) (*Request, error) { return d.decode(body, t, false) }

// NDJSON decodes a body that has one record object a line. The error is always an *Error; nothing is kept then.
func (d *Decoder) NDJSON(body []byte, t Target) (*Request, error) { return d.decode(body, t, true) }

// Release ends the Request: each part's slab is given back, unless keep says that its index in Parts went to another
// owner. A nil keep gives back all.
func (d *Decoder) Release(keep func(i int) bool) {
	for i := range d.parts {
		if keep == nil || !keep(i) {
			slab.Put(d.parts[i].Buf)
		}
	}
	d.forgetParts()
}

func (d *Decoder) decode(body []byte, t Target, lines bool) (*Request, error) {
	d.start(body, t, lines)
	err := d.body()
	d.forgetBody()
	if err != nil {
		d.Release(nil)
		return nil, err
	}
	d.finish()
	if t.Digest != nil {
		t.Digest.AddAll(&d.req, t.Now)
	}
	return &d.req, nil
}

func (d *Decoder) start(body []byte, t Target, lines bool) {
	d.forgetParts()                  // without a Release their slabs may be anybody's
	d.p = body[:len(body):len(body)] // what stands after it is nobody's business here
	d.i, d.index, d.lines = 0, -1, lines
	d.target = t
	d.req = Request{Parts: d.req.Parts, Placements: d.req.Placements[:0]}
	if cap(d.req.Placements) > maxKept/4 {
		d.req.Placements = nil
	}
	if len(d.byPartition) < t.Partitions {
		d.byPartition = make([]int32, t.Partitions)
	}
}

func (d *Decoder) body() *Error {
	if t := &d.target; t.Partition >= t.Partitions {
		return d.noPartition(t.Partition, t.Partitions)
	}
	if d.lines {
		return d.ndjson()
	}
	return d.document()
}

// finish seals the batches.
func (d *Decoder) finish() {
	for i := range d.parts {
		p := &d.parts[i]
		d.req.Parts = append(d.req.Parts, Part{
			Partition:     p.partition,
			BrokerTime:    !p.timed,
			LastTimestamp: p.LastTimestamp(),
			LastClock:     p.lastClock,
			Batch:         p.Finish(),
		})
	}
}

// forgetParts drops what points to slabs.
func (d *Decoder) forgetParts() {
	for i := range d.parts {
		d.byPartition[d.parts[i].partition] = 0
		d.parts[i].Builder = batch.Builder{}
	}
	d.parts = d.parts[:0]
	clear(d.req.Parts)
	d.req.Parts = d.req.Parts[:0]
}

// maxKept bounds each piece of working memory that a Decoder keeps between bodies, in bytes, about.
const maxKept = 2 << 20

// forgetBody drops what points into the body, and working memory of unusual size.
func (d *Decoder) forgetBody() {
	d.p = nil
	d.rec.forget()
	clear(d.names)
	d.names = d.names[:0]
	d.scratch, d.starts = d.scratch[:0], d.starts[:0]
	if cap(d.scratch) > maxKept {
		d.scratch = nil
	}
	if cap(d.starts) > maxKept/8 {
		d.starts = nil
	}
	if cap(d.names) > maxKept/64 {
		d.names = nil
	}
}
