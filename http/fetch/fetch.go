package fetch

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/budget"
	"flashq/codec"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/http/request"
)

// Env is what fetches need of the server that they run in; set before use.
type Env struct {
	Broker     Broker
	Calls      context.Context // of the calls to the broker
	Answers    *budget.Budget  // bytes of answers that are built or not sent yet
	Waiters    *budget.Budget  // fetches that wait
	Streams    *budget.Budget  // streams that are open
	Open       *conn.Streams   // their connections
	Searches   chan struct{}   // one for each search for a time that goes on, up to its capacity
	Drain      <-chan struct{} // closed when the server ends
	Peers      *conn.Peers
	Codecs     *codec.Set
	Log        *slog.Logger // of what has no answer to be told in
	AutoCreate bool         // a group that is not there is made
}

// Broker is what fetches need of an engine.
type Broker interface {
	broker.Topics
	broker.Groups
	broker.Members
}

func (e *Env) draining() bool {
	select {
	case <-e.Drain:
		return true
	default:
		return false
	}
}

// overloaded refuses a fetch for a bound on what may be under way.
func overloaded(what string) error { return fault.Overloaded.New(what+"; try again in a moment", nil) }

// fetching is one fetch, reused by later ones. It belongs to the handler's goroutine.
type fetching struct {
	ask

	conn   net.Conn // of the request
	plan   plan
	rounds rounds
	reader reader
	sink   sink
	result result
	waited time.Duration

	// what reader and sink are: one of each
	anyone   anyone
	group    group
	member   member
	document document
	lines    lines
	single   single
	batches  batches
}

// ask is what is asked of whom.
type ask struct {
	env   *Env
	topic broker.Topic
	query Query
	share *budget.Share // of who asks
	// revoked is closed when who asks may not any more; nil: never.
	revoked <-chan struct{}
}

// checkToken refuses to go on for who may not any more.
func (a *ask) checkToken() error {
	select {
	case <-a.revoked:
		return fault.TokenRevoked()
	default:
		return nil
	}
}

var fetchings = sync.Pool{New: func() any { return new(fetching) }}

// Serve answers a fetch of a topic in the given form, or begins a stream of it, or returns why not; waited is for how
// long it waited for records. env is kept for as long as that takes; it ends early when revoked is closed, since who
// asks may not any more then.
func Serve(
	ctx *fasthttp.RequestCtx, env *Env, topic broker.Topic, q Query, media request.Media, head *request.Head,
	revoked <-chan struct{},
) (waited time.Duration, err error) {
	if err := q.suit(media, topic); err != nil {
		return 0, err
	}
	live, err := q.live(media.Format, head)
	if err != nil {
		return 0, err
	}
	f := fetchings.Get().(*fetching)
	f.conn = ctx.Conn()
	f.ask = ask{env, topic, q, conn.ShareOf(f.conn), revoked}
	f.setReader()
	if live {
		return 0, f.goLive(ctx, media, head)
	}
	f.setSink(media.Format)
	f.batches.lends = request.AnswerCoding(head.AcceptEncoding) == "" // else it is compressed from one piece
	defer f.release()
	f.rounds.prepare(&f.ask, f.conn, &f.plan, f.sink)
	if err := f.run(); err != nil {
		return f.waited, err
	}
	f.answer(ctx, media.Name, head.AcceptEncoding)
	return f.waited, nil
}

func (f *fetching) setReader() {
	switch {
	case f.query.Member != "":
		f.member.ask, f.reader = &f.ask, &f.member
	case f.query.Group != "":
		f.group.ask, f.reader = &f.ask, &f.group
	default:
		f.anyone.ask, f.reader = &f.ask, &f.anyone
	}
}

func (f *fetching) setSink(format request.Format) {
	switch format {
	case request.NDJSON:
		f.lines.writer.Options, f.sink = f.query.Shape, &f.lines
	case request.Batches:
		f.sink = &f.batches
	case request.Raw:
		f.single.noHeaders, f.sink = f.query.Shape.NoHeaders, &f.single
	default:
		f.document.writer.Options, f.sink = f.query.Shape, &f.document
	}
}

// release gives back what the fetch held and readies f for another one.
func (f *fetching) release() {
	f.sink.drop()
	f.recycle()
}

// recycle is release where there is no sink.
func (f *fetching) recycle() {
	cursors := f.rounds.end()
	*f = fetching{rounds: rounds{cursors: cursors}}
	fetchings.Put(f)
}

// run reads what the query asks for, waiting for it if it says so.
func (f *fetching) run() (err error) {
	if err := f.checkPartitions(); err != nil {
		return err
	}
	if f.plan, err = f.reader.begin(); err != nil {
		return err
	}
	f.rounds.open()
	if err := f.rounds.collect(everyCursor); err != nil {
		return err
	}
	if !f.satisfied() && f.query.Timeout > 0 {
		if err := f.wait(); err != nil {
			return err
		}
	}
	return f.verdict()
}

// checkPartitions refuses what the topic does not have. It comes before an ack: a refused fetch commits nothing.
func (f *fetching) checkPartitions() error {
	for _, p := range f.query.Partitions {
		if err := f.checkPartition(p); err != nil {
			return err
		}
	}
	for _, m := range f.query.Start.Marks {
		if f.query.Partitions != nil {
			break
		}
		if err := f.checkPartition(m.Partition); err != nil {
			return err
		}
	}
	return nil
}

func (a *ask) checkPartition(p int) error {
	partitions := a.topic.Config().Partitions
	if p < partitions {
		return nil
	}
	return &broker.PartitionError{
		Topic: a.topic.Name(), Partition: p, Partitions: partitions, Err: broker.ErrPartitionNotFound,
	}
}

// satisfied tells that there is nothing to wait for: enough is there, a limit is reached, trouble has to be told, or
// nothing that comes can be asked for. A fetch that waits for anything at all (1 byte, the default) takes a record
// without any.
func (f *fetching) satisfied() bool {
	t := &f.rounds.tally
	if t.taken.Records > 0 && (t.taken.Bytes >= f.query.MinBytes || f.query.MinBytes == 1) || t.left().Records == 0 {
		return true
	}
	done := 0
	for i := range f.rounds.cursors {
		c := &f.rounds.cursors[i]
		if c.full || c.trouble.kind != noTrouble {
			return true
		}
		if c.done() {
			done++
		}
	}
	return done > 0 && done == len(f.rounds.cursors)
}

// verdict is the error of a fetch that asked for one partition and met nothing but trouble, or for some that are all
// down.
func (f *fetching) verdict() error {
	cursors := f.rounds.cursors
	if len(cursors) == 0 || f.rounds.tally.taken.Records > 0 {
		return nil
	}
	first, t := cursors[0].partition, &cursors[0].trouble
	switch isDown := func(c cursor) bool { return c.trouble.kind == down }; {
	case !slices.ContainsFunc(cursors, func(c cursor) bool { return !isDown(c) }):
		return aboutPartition(f.topic, first, broker.ErrStorage)
	case len(cursors) > 1:
		return nil
	case t.kind == damaged:
		e := fault.Corrupt(first, t.first, t.resume)
		if t.why != "" {
			e = e.With("reason", t.why)
		}
		return e
	case t.kind == unreadable:
		return fault.Unreadable(first, t.first, t.resume)
	}
	return nil
}

// countTaken counts what is sent.
func (f *fetching) countTaken() {
	if t := &f.rounds.tally; t.taken.Records > 0 {
		f.topic.Traffic().Consumed(int64(t.taken.Records), int64(t.stored))
	}
}

// answer writes what the fetch found; the body's slab goes along until it is sent.
func (f *fetching) answer(ctx *fasthttp.RequestCtx, mediaType string, acceptEncoding []byte) {
	if !f.query.Head {
		f.countTaken()
	}
	f.rounds.sort()
	f.result = result{query: &f.query, plan: &f.plan, cursors: f.rounds.cursors, reader: f.reader}
	ctx.Response.SetStatusCode(fasthttp.StatusOK)
	ctx.Response.Header.SetContentType(mediaType)
	body := f.sink.finish(&ctx.Response.Header, &f.result)
	hold := &f.rounds.buffers.hold
	if len(f.result.before) > 0 {
		hold.Lower(f.result.held)
		conn.LendAfter(ctx, f.result.before, body, hold)
		return
	}
	if !f.result.packed {
		body = f.env.compress(ctx, acceptEncoding, body)
	}
	hold.Lower(cap(body))
	conn.Lend(ctx, body, hold)
}
