package http

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/recordjson"
	"flashq/http/request"
)

// produceQuery is what a produce's query asks for.
type produceQuery struct {
	partition int // -1: by key
	sync      bool
	offsets   bool // one offset per record in the answer
}

var produceParams = request.Params[produceQuery]{
	{Name: "partition", Axis: "which", Set: func(q *produceQuery, v request.Value) (err error) {
		q.partition, err = v.Int(0, math.MaxInt32)
		return err
	}},
	{Name: "sync", Axis: "how", Set: func(q *produceQuery, v request.Value) (err error) {
		q.sync, err = v.Bool()
		return err
	}},
	{Name: "return", Axis: "answer", Set: func(q *produceQuery, v request.Value) error {
		if q.offsets = string(v.Text) == "offsets"; !q.offsets {
			return v.Bad("must be offsets")
		}
		return nil
	}},
}

var typeJSON = []byte("application/json")

// answerSize is how long appendAnswer's text gets at most.
func (p *production) answerSize() int {
	const head, perPart, perRecord = 128, 96, 64 // names, and digits of the largest numbers
	size := head + perPart*len(p.parts)
	if p.query.offsets {
		size += perRecord * len(p.decoded.Placements)
	}
	return size
}

// appendAnswer writes where the records went, parts in the order of their partitions.
func (p *production) appendAnswer(a []byte) []byte {
	last := p.decoded.LastPart
	lastTime := p.decoded.Parts[last].LastTimestamp
	if p.parts[last].BrokerTime {
		lastTime = p.parts[last].Timestamp // the owner may have raised it
	}
	a = append(a, `{"offset":`...)
	a = strconv.AppendInt(a, p.lastOffset(last), 10)
	a = append(a, `,"timestamp":"`...)
	a = recordjson.AppendTime(a, lastTime)
	a = append(a, `","count":`...)
	a = strconv.AppendInt(a, int64(p.decoded.Count), 10)
	a = append(a, `,"partitions":[`...)
	for i, part := range p.byPartition() {
		if i > 0 {
			a = append(a, ',')
		}
		a = p.appendRange(a, part)
	}
	a = append(a, ']')
	if p.query.offsets {
		a = p.appendOffsets(a)
	}
	return append(a, '}', '\n')
}

func (p *production) lastOffset(part int) int64 { return p.parts[part].BaseOffset + p.deltas[part] }

func (p *production) appendRange(a []byte, part int) []byte {
	a = append(a, `{"partition":`...)
	a = strconv.AppendInt(a, int64(p.parts[part].Partition), 10)
	a = append(a, `,"base_offset":`...)
	a = strconv.AppendInt(a, p.parts[part].BaseOffset, 10)
	a = append(a, `,"last_offset":`...)
	a = strconv.AppendInt(a, p.lastOffset(part), 10)
	return append(a, '}')
}

// byPartition gives the indexes of the parts in the order of their partitions.
func (p *production) byPartition() []int {
	p.order = p.order[:0]
	for i := range p.parts {
		p.order = append(p.order, i)
	}
	if len(p.order) > 1 {
		slices.SortFunc(p.order, func(a, b int) int { return cmp.Compare(p.parts[a].Partition, p.parts[b].Partition) })
	}
	return p.order
}

// appendOffsets lists each record's partition and offset in request order.
func (p *production) appendOffsets(a []byte) []byte {
	next := make([]int64, len(p.parts)) // per part: the next record's offset
	for i := range p.parts {
		next[i] = p.parts[i].BaseOffset
	}
	a = append(a, `,"offsets":[`...)
	for i, part := range p.decoded.Placements {
		if i > 0 {
			a = append(a, ',')
		}
		a = append(a, `{"partition":`...)
		a = strconv.AppendInt(a, int64(p.parts[part].Partition), 10)
		a = append(a, `,"offset":`...)
		a = strconv.AppendInt(a, next[part], 10)
		a = append(a, '}')
		next[part]++
	}
	return append(a, ']')
}

// appendFault tells what a failed append left behind.
func (p *production) appendFault(err error) error {
	var partial *broker.PartialError
	if !errors.As(err, &partial) {
		return err
	}
	stored := []map[string]int64{}
	for _, i := range p.byPartition() {
		if part := &p.parts[i]; part.Stored {
			stored = append(stored, map[string]int64{
				"partition": int64(part.Partition), "base_offset": part.BaseOffset, "last_offset": p.lastOffset(i),
			})
		}
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
