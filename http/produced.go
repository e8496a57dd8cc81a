package http

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/recordbody"
	"flashq/http/recordjson"
	"flashq/metrics"
	"flashq/segment/batch"
)

var typeJSON = []byte("application/json")

// placed is where a request's records go, and how that is told.
type placed struct {
	decoded *recordbody.Request
	parts   []broker.Part
	rest    []broker.More // of all parts
	batches []placedBatch // of all parts, in their order
	spans   []span        // working memory
}

// placedBatch is one batch of a part, and the distance of its last offset from its first: its bytes may be the engine's
// by the time when that is asked for.
type placedBatch struct {
	part, rest int // rest is its place in the part's Rest, -1 for Batch
	delta      int64
	records    int64
	bytes      int64 // as they are stored, without the batch's head
}

// span is a run of offsets in one partition.
type span struct {
	partition  int
	base, last int64
}

// take makes a part for the engine of each that was decoded.
func (p *placed) take(decoded *recordbody.Request) {
	p.decoded = decoded
	for i := range decoded.Parts {
		d := &decoded.Parts[i]
		part := broker.Part{Partition: d.Partition, Batch: d.Batch, BrokerTime: d.BrokerTime}
		p.batches = append(p.batches, placedBatchOf(d.Batch, i, -1))
		from := len(p.rest)
		for rest, b := range d.Rest {
			p.rest = append(p.rest, broker.More{Batch: b})
			p.batches = append(p.batches, placedBatchOf(b, i, rest))
		}
		part.Rest = p.rest[from:len(p.rest):len(p.rest)]
		p.parts = append(p.parts, part)
	}
}

func placedBatchOf(b batch.Batch, part, rest int) placedBatch {
	return placedBatch{
		part: part, rest: rest, delta: int64(b.LastOffsetDelta()), records: int64(b.Count()),
		bytes: int64(len(b) - batch.HeaderSize),
	}
}

// countStored counts what was stored that had not been stored before.
func (p *placed) countStored(t *metrics.Traffic, failed bool) {
	var records, bytes int64
	for i := range p.batches {
		b := &p.batches[i]
		part := &p.parts[b.part]
		duplicate := part.Duplicate
		if b.rest >= 0 {
			duplicate = part.Rest[b.rest].Duplicate
		}
		if !duplicate && (part.Stored || !failed) {
			records += b.records
			bytes += b.bytes
		}
	}
	if records > 0 {
		t.Produced(records, bytes)
	}
}

// forget drops what take took.
func (p *placed) forget() {
	clear(p.parts)
	clear(p.rest)
	p.decoded, p.parts = nil, p.parts[:0]
	p.rest, p.batches, p.spans = recordbody.Emptied(p.rest), recordbody.Emptied(p.batches), recordbody.Emptied(p.spans)
}

// answerSize is how long appendAnswer's text gets at most.
func (p *placed) answerSize(offsets bool) int {
	const head, perPart, perRecord = 128, 96, 64 // names, and digits of the largest numbers
	size := head + perPart*len(p.batches)
	if offsets {
		size += perRecord * p.decoded.Count
	}
	return size
}

// appendAnswer writes where the records went, parts in the order of their partitions.
func (p *placed) appendAnswer(a []byte, offsets bool) []byte {
	a = append(a, `{"offset":`...)
	a = strconv.AppendInt(a, p.lastOffset(), 10)
	a = append(a, `,"timestamp":"`...)
	a = recordjson.AppendTime(a, p.lastTime())
	a = append(a, `","count":`...)
	a = strconv.AppendInt(a, int64(p.decoded.Count), 10)
	a = append(a, `,"partitions":[`...)
	for i, s := range p.stored(false) {
		if i > 0 {
			a = append(a, ',')
		}
		a = s.appendTo(a)
	}
	a = append(a, ']')
	if offsets {
		a = p.appendOffsets(a)
	}
	return append(a, '}', '\n')
}

// lastOffset is that of the request's last record.
func (p *placed) lastOffset() int64 {
	for i := len(p.batches) - 1; ; i-- {
		if b := &p.batches[i]; b.part == p.decoded.LastPart {
			return p.spanOf(b).last
		}
	}
}

// lastTime is the timestamp of the request's last record, as it is stored: the owner may have raised the broker's
// clock, and what was stored before has the time of then.
func (p *placed) lastTime() int64 {
	last, decoded := &p.parts[p.decoded.LastPart], &p.decoded.Parts[p.decoded.LastPart]
	switch {
	case last.BrokerTime:
		return last.Timestamp
	case last.Duplicate && decoded.LastClock != recordbody.ClientClock: // as long before the part's largest as then
		return decoded.LastTimestamp + last.Timestamp - decoded.Batch.MaxTimestamp()
	}
	return decoded.LastTimestamp
}

// spanOf tells where a batch stands.
func (p *placed) spanOf(b *placedBatch) span {
	part := &p.parts[b.part]
	base := part.BaseOffset
	if b.rest >= 0 {
		base = part.Rest[b.rest].BaseOffset
	}
	return span{partition: part.Partition, base: base, last: base + b.delta}
}

// stored gives the runs of offsets that the records have, by partition; or, of a request that failed, those of the
// parts that are stored all the same.
func (p *placed) stored(failed bool) []span {
	p.spans = p.spans[:0]
	for i := range p.batches {
		b := &p.batches[i]
		if failed && !p.parts[b.part].Stored {
			continue
		}
		s := p.spanOf(b)
		if last := len(p.spans) - 1; b.rest >= 0 && p.spans[last].last+1 == s.base {
			p.spans[last].last = s.last
			continue
		}
		p.spans = append(p.spans, s)
	}
	if len(p.spans) > 1 {
		slices.SortStableFunc(p.spans, func(a, b span) int { return cmp.Compare(a.partition, b.partition) })
	}
	return p.spans
}

func (s span) appendTo(a []byte) []byte {
	a = append(a, `{"partition":`...)
	a = strconv.AppendInt(a, int64(s.partition), 10)
	a = append(a, `,"base_offset":`...)
	a = strconv.AppendInt(a, s.base, 10)
	a = append(a, `,"last_offset":`...)
	a = strconv.AppendInt(a, s.last, 10)
	return append(a, '}')
}

// appendOffsets lists each record's partition and offset in request order.
func (p *placed) appendOffsets(a []byte) []byte {
	a = append(a, `,"offsets":[`...)
	if len(p.parts) == 1 {
		for i := range p.batches {
			s := p.spanOf(&p.batches[i])
			for offset := s.base; offset <= s.last; offset++ {
				a = append(appendOffset(a, s.partition, offset), ',')
			}
		}
	} else {
		next := make([]int64, len(p.parts)) // per part, which has one batch: the next record's offset
		for i := range p.parts {
			next[i] = p.parts[i].BaseOffset
		}
		for _, record := range p.decoded.Placements {
			a = append(appendOffset(a, p.parts[record.Part].Partition, next[record.Part]), ',')
			next[record.Part]++
		}
	}
	a[len(a)-1] = ']' // there is a record at least
	return a
}

func appendOffset(a []byte, partition int, offset int64) []byte {
	a = append(a, `{"partition":`...)
	a = strconv.AppendInt(a, int64(partition), 10)
	a = append(a, `,"offset":`...)
	a = strconv.AppendInt(a, offset, 10)
	return append(a, '}')
}

// appendFault tells what a failed append left behind.
func (p *placed) appendFault(err error) error {
	var partial *broker.PartialError
	if !errors.As(err, &partial) {
		return err
	}
	stored := []map[string]int64{}
	for _, s := range p.stored(true) {
		stored = append(stored, map[string]int64{
			"partition": int64(s.partition), "base_offset": s.base, "last_offset": s.last,
		})
	}
	e, _ := fault.Explain(partial)
	return e.With("stored", stored)
}

// noPartition refuses a partition that the topic doesn't have.
func noPartition(topic string, partition, partitions int) error {
	return &broker.PartitionError{
		Topic: topic, Partition: partition, Partitions: partitions, Err: broker.ErrPartitionNotFound,
	}
}
