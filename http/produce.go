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
	"flashq/http/openapi"
	"flashq/http/recordbody"
	"flashq/http/request"
	"flashq/slab"
)

// production is the state of one produce request, reused by later ones. It belongs to the handler's goroutine.
type production struct {
	query    produceQuery
	topic    broker.Topic // nil until the topic exists
	name     string
	lenient  bool
	decoders decoders
	repeat   repeat
	placed   placed
	adopted  func(part int) bool // made once: tells the decoders which batches the engine keeps
	body     []byte              // a slab, nil when given back
	arrived  time.Time           // when it was whole
	lent     bool                // body was lent to the engine, as what its parts are views of
	hold     budget.Lease        // of bounds.inflight
	answer   []byte
	sending  budget.Lease // of bounds.answers, for a long answer
}

var productions = sync.Pool{New: func() any {
	p := new(production)
	p.adopted = func(part int) bool { return part < len(p.placed.parts) && p.placed.parts[part].Adopted }
	return p
}}

// producing handles requests whose parameters go into a production; lenient lets members that are not known mean
// nothing.
func (s *Server) producing(lenient bool) handler {
	judge := func(c *call, query []byte, f request.Format) error {
		if err := judgeProduce(query, f, new(produceQuery)); err != nil || !s.cfg.NoAutoCreate {
			return err
		}
		_, err := s.lookup(c.names.topic)
		return err
	}
	told := told{
		params: produceParams.Typed(), heads: []openapi.Param{headIdempotencyKey}, body: recordBodies(lenient),
		shows: producedAnswers,
		faults: []*fault.Kind{
			fault.TopicNotFound, fault.PartitionNotFound, fault.Conflict, fault.InvalidRecord, fault.KeyReused,
			fault.KeyInFlight, fault.CorruptBatch, fault.NotSupported, fault.OutOfOrderSequence, fault.ProducerFenced,
			fault.PartiallyStored,
		},
	}
	serve := func(c *call) (any, error) { return nil, s.produce(c, lenient) }
	return handler{
		told: told, bodies: request.RecordBodies, answers: request.OnlyJSON, judge: judge, serve: serve,
	}
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
	if err = p.readFrom(s, c, coding); err == nil {
		err = p.store(s, format)
	}
	c.seen.arrived = p.arrived
	if err != nil {
		return err
	}
	p.respond(c.ctx)
	return nil
}

// respond writes where the records went.
func (p *production) respond(ctx *fasthttp.RequestCtx) {
	ctx.Response.SetStatusCode(fasthttp.StatusOK)
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	if p.repeat.key.Replayed {
		ctx.Response.Header.Set("Idempotency-Replayed", "true")
	}
	offsets := p.query.offsets
	if size := p.placed.answerSize(offsets); size > smallAnswer {
		conn.Lend(ctx, p.placed.appendAnswer(slab.Get(size), offsets), &p.sending)
		return
	}
	p.answer = p.placed.appendAnswer(p.answer[:0], offsets)
	ctx.Response.SetBody(p.answer)
}

// release gives back what the request held and readies p for another one.
func (p *production) release() {
	p.decoders.release(p.adopted)
	if p.lent && p.adopted(0) {
		p.body = nil
	}
	slab.Put(p.body)
	p.hold.End()
	p.sending.End()
	p.placed.forget()
	p.arrived = time.Time{}
	p.topic, p.body, p.lent, p.name, p.query, p.decoders.single = nil, nil, false, "", produceQuery{}, recordbody.Single{}
	productions.Put(p)
}

// admit judges what stands before the body.
func (p *production) admit(c *call) (f request.Format, coding string, err error) {
	if err = p.repeat.read(c.head.IdempotencyKey, c.who.Name()); err != nil {
		return 0, "", err
	}
	if f, err = request.BodyFormat(c.head.ContentType, request.RecordBodies); err != nil {
		return 0, "", err
	}
	if err := judgeProduce(c.ctx.URI().QueryString(), f, &p.query); err != nil {
		return 0, "", err
	}
	switch {
	case f == request.Raw:
		p.decoders.single = p.query.single(&c.ctx.Request.Header, c.head.RecordHeader != nil)
	case c.head.RecordHeader != nil:
		return 0, "", headersOfNobody(c.head.RecordHeader)
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
	if err == nil && coding == "" {
		return nil // decode looks at the clock
	}
	p.arrived = time.Now()
	if err != nil {
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
	if size := p.placed.answerSize(p.query.offsets); size > smallAnswer && !p.sending.Raise(size) {
		return answersWait(false) // said while nothing is stored
	}
	if p.lent = f == request.Batches; !p.lent {
		slab.Put(p.body) // what follows may wait for a disk
		p.body = nil
	}
	err := p.topic.Append(p.placed.parts, broker.How{Sync: p.query.sync, Key: p.repeat.sealed()})
	p.placed.countStored(p.topic.Traffic(), err != nil)
	if err != nil {
		return p.placed.appendFault(err)
	}
	return nil
}

// decode turns the body into one batch for each partition.
func (p *production) decode(s *Server, f request.Format, partitions int) error {
	c := &s.cfg
	now := time.Now()
	if p.arrived.IsZero() {
		p.arrived = now
	}
	if p.query.partition >= partitions {
		return noPartition(p.name, p.query.partition, partitions)
	}
	target := recordbody.Target{
		Partitions: partitions, Partition: p.query.partition, Now: now.UnixMilli(), Placements: p.query.offsets,
		Lenient: p.lenient,
		Limits: recordbody.Limits{
			KeyBytes: c.MaxKeyBytes, ValueBytes: c.MaxValueBytes, HeaderBytes: c.MaxHeaderBytes, Headers: c.MaxHeaders,
			Records: c.MaxBatchRecords,
		},
	}
	if partitions > 1 && !p.repeat.given {
		target.Sticky = int(s.sticky.Add(1) % uint32(partitions))
	}
	p.repeat.aim(&target)
	p.placed.forget() // of an earlier decoding of this same body
	p.decoders.release(nil)
	if f == request.Batches {
		p.decoders.unpacking = unpacking{
			codecs: s.codecs, hold: &p.hold, body: cap(p.body), most: c.MaxBodyBytes, left: c.MaxBodyBytes,
		}
	}
	if len(p.body) >= largeBody {
		s.bounds.large <- struct{}{}
		defer func() { <-s.bounds.large }()
	}
	decoded, err := p.decoders.decode(f, p.body, target)
	if err != nil {
		return err
	}
	p.placed.take(decoded)
	return p.repeat.checkProducers(decoded.Parts)
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
