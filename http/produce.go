package http

import (
	"errors"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/budget"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/http/recordjson"
	"flashq/http/request"
	"flashq/slab"
)

// production is the state of one produce request, reused by later ones. It belongs to the handler's goroutine.
type production struct {
	query   produceQuery
	topic   broker.Topic // nil until the topic exists
	name    string
	lenient bool
	decoder recordjson.Decoder
	decoded *recordjson.Request
	parts   []broker.Part
	adopted func(part int) bool // made once: tells the decoder which batches the engine keeps
	body    []byte              // a slab, nil when given back
	hold    budget.Lease        // of bounds.inflight
	deltas  []int64             // of each part: its last offset less its base; its batch may be the engine's by then
	order   []int               // of parts, by partition
	answer  []byte
	sending budget.Lease // of bounds.answers, for a long answer
}

var productions = sync.Pool{New: func() any {
	p := new(production)
	p.adopted = func(part int) bool { return part < len(p.parts) && p.parts[part].Adopted }
	return p
}}

// producing handles requests whose parameters go into a production; lenient lets members that are not known mean
// nothing.
func (s *Server) producing(lenient bool) handler {
	judge := func(query []byte) error { return produceParams.Parse(query, new(produceQuery)) }
	return handler{params: produceParams.Names(), judge: judge, serve: func(c *call) (any, error) {
		return nil, s.produce(c, lenient)
	}}
}

// produce is POST /topics/{topic}/records: it stores a body's records. Nothing is stored, and no topic made, before the
// whole body was found good.
func (s *Server) produce(c *call, lenient bool) error {
	p := productions.Get().(*production)
	p.name, p.lenient, p.hold, p.sending = c.names.topic, lenient, s.holdBody(c.ctx), s.holdAnswer(c.ctx)
	defer p.release()
	format, coding, err := p.admit(c)
	if err != nil {
		return err
	}
	if p.topic, err = s.lookup(p.name); err != nil {
		return err
	}
	if err := p.readFrom(s, c, coding); err != nil {
		return err
	}
	if err := p.store(s, format); err != nil {
		return err
	}
	p.respond(c.ctx)
	return nil
}

// respond writes where the records went.
func (p *production) respond(ctx *fasthttp.RequestCtx) {
	ctx.Response.SetStatusCode(fasthttp.StatusOK)
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	if size := p.answerSize(); size > smallAnswer {
		conn.Lend(ctx, p.appendAnswer(slab.Get(size)), &p.sending)
		return
	}
	p.answer = p.appendAnswer(p.answer[:0])
	ctx.Response.SetBody(p.answer)
}

// release gives back what the request held and readies p for another one.
func (p *production) release() {
	p.decoder.Release(p.adopted)
	slab.Put(p.body)
	p.hold.End()
	p.sending.End()
	clear(p.parts)
	p.parts = p.parts[:0]
	p.topic, p.decoded, p.body, p.name = nil, nil, nil, ""
	productions.Put(p)
}

// admit judges what stands before the body.
func (p *production) admit(c *call) (f request.Format, coding string, err error) {
	p.query = produceQuery{partition: -1}
	if err := produceParams.Parse(c.ctx.URI().QueryString(), &p.query); err != nil {
		return 0, "", err
	}
	if len(c.head.IdempotencyKey) > 0 {
		return 0, "", fault.NotSupported.New(
			"Idempotency-Key is not supported yet; without it a retry may store the records twice", nil)
	}
	if f, err = request.BodyFormat(c.head.ContentType, request.RecordBodies); err != nil {
		return 0, "", err
	}
	coding, err = request.BodyCoding(c.head.ContentEncoding)
	return f, coding, err
}

// lookup finds a topic to produce to; nil for one that the first good body makes.
func (s *Server) lookup(name string) (broker.Topic, error) {
	t, err := s.cfg.Broker.Topic(s.life.calls, name)
	if !errors.Is(err, broker.ErrTopicNotFound) {
		return t, err
	}
	if s.cfg.NoAutoCreate {
		return nil, fault.TopicNotFound.New("Topic '"+name+"' not found, and a record makes none here "+
			"(--auto-create=false): PUT /topics/"+name, fault.Details{"topic": name})
	}
	return nil, nil
}

// readFrom fills p.body with the request's body, decompressed.
func (p *production) readFrom(s *Server, c *call, coding string) error {
	body, err := s.readBody(c, &p.hold)
	p.body = body
	if err != nil || coding == "" {
		return err
	}
	plain, err := s.decompress(coding, body, c.mostBody)
	if err != nil {
		return err
	}
	p.body = plain
	slab.Put(body)
	p.hold.Lower(cap(plain))
	if !p.hold.Raise(cap(plain)) {
		return bodiesWait()
	}
	return nil
}

// store decodes the body, makes the topic where there is none yet, and appends.
func (p *production) store(s *Server, f request.Format) error {
	partitions := s.cfg.DefaultPartitions
	if p.topic != nil {
		partitions = p.topic.Config().Partitions
	}
	if err := p.decode(s, f, partitions); err != nil {
		return err
	}
	if p.topic == nil {
		if err := p.create(s); err != nil {
			return err
		}
		if n := p.topic.Config().Partitions; n != partitions {
			if err := p.decode(s, f, n); err != nil {
				return err
			}
		}
	}
	if size := p.answerSize(); size > smallAnswer && !p.sending.Raise(size) {
		return answersWait(false) // said while nothing is stored
	}
	slab.Put(p.body) // what follows may wait for a disk
	p.body = nil
	if err := p.topic.Append(p.parts, broker.How{Sync: p.query.sync}); err != nil {
		return p.appendFault(err)
	}
	return nil
}

// decode turns the body into one batch for each partition.
func (p *production) decode(s *Server, f request.Format, partitions int) error {
	if p.query.partition >= partitions {
		return noPartition(p.name, p.query.partition, partitions)
	}
	c := &s.cfg
	target := recordjson.Target{
		Partitions: partitions, Partition: p.query.partition, Now: time.Now().UnixMilli(), Placements: p.query.offsets,
		Lenient: p.lenient,
		Limits: recordjson.Limits{
			KeyBytes: c.MaxKeyBytes, ValueBytes: c.MaxValueBytes, HeaderBytes: c.MaxHeaderBytes, Headers: c.MaxHeaders,
			Records: c.MaxBatchRecords,
		},
	}
	if partitions > 1 {
		target.Sticky = int(s.sticky.Add(1) % uint32(partitions))
	}
	p.decoder.Release(nil) // of an earlier decoding of this same body
	p.parts, p.deltas = p.parts[:0], p.deltas[:0]
	var err error
	if f == request.NDJSON {
		p.decoded, err = p.decoder.NDJSON(p.body, target)
	} else {
		p.decoded, err = p.decoder.JSON(p.body, target)
	}
	if err != nil {
		return err
	}
	for i := range p.decoded.Parts {
		d := &p.decoded.Parts[i]
		p.parts = append(p.parts, broker.Part{Partition: d.Partition, Batch: d.Batch, BrokerTime: d.BrokerTime})
		p.deltas = append(p.deltas, int64(d.Batch.LastOffsetDelta()))
	}
	return nil
}

// create makes the topic, or takes what somebody else made meanwhile.
func (p *production) create(s *Server) (err error) {
	change := broker.TopicChange{Partitions: s.cfg.DefaultPartitions}
	p.topic, _, err = s.cfg.Broker.CreateTopic(s.life.calls, p.name, change)
	if errors.Is(err, broker.ErrPartitionsImmutable) {
		p.topic, err = s.cfg.Broker.Topic(s.life.calls, p.name)
	}
	return err
}
