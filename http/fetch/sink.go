package fetch

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"flashq/http/conn"
	"flashq/http/recordjson"
	"flashq/http/request"
	"flashq/slab"
)

// taker is where records go.
type taker interface {
	// expect tells about how long the records will get as text. It may come more than once before the first record.
	expect(size int)
	// add takes a record.
	add(r *found)
	// held is how many bytes of memory the answer takes so far.
	held() int
}

// sink is the form of an answer. It owns what the answer is until finish gives it away.
type sink interface {
	taker
	// finish gives the body, a slab, and puts into the head what the body has no place for.
	finish(h *fasthttp.ResponseHeader, r *result) (body []byte)
	// drop lets go of an answer that is not finished.
	drop()
}

// result is what a fetch came to.
type result struct {
	query   *Query
	plan    *plan
	cursors []cursor // by partition
	reader  reader

	// set by the sink
	packed bool            // the body is compressed already
	before []conn.Borrowed // what comes before the body, and stands elsewhere
	held   int             // bytes of memory, where there is any of that
}

// lag is how many records are left in what was read.
func (r *result) lag() (lag int64) {
	for i := range r.cursors {
		lag += r.cursors[i].lag()
	}
	return lag
}

// nextOffset is where the one partition that was read goes on, or what is committed there.
func (r *result) nextOffset() int64 {
	c := &r.cursors[0]
	if r.query.OfAlias {
		return r.plan.nextCommitted(c)
	}
	return c.next
}

// appendPosition writes where every partition that was read goes on. Of one that is down it may not be known, and a
// group knows it: an acknowledgement can't be checked against it, and would be refused.
func (r *result) appendPosition(t []byte) []byte {
	if r.plan.generation != request.NoGeneration {
		t = append(t, 'g')
		t = strconv.AppendInt(t, r.plan.generation, 10)
		t = append(t, ';')
	}
	start := len(t)
	for i := range r.cursors {
		c := &r.cursors[i]
		if c.trouble.kind == down && (!c.started || r.query.Group != "") {
			continue
		}
		t = request.AppendMark(t, start, c.partition, c.next)
	}
	return t
}

// text is an answer that is written record by record.
type text struct {
	slab   []byte // nil before the first record: a fetch may wait for it
	size   int    // expected
	writer recordjson.Writer
}

func (t *text) expect(size int) { t.size = size }
func (t *text) held() int       { return cap(t.slab) }

func (t *text) drop() {
	slab.Put(t.slab)
	t.slab = nil
}

// grow makes room for a record: enough for nearly every one.
func (t *text) grow(r *found) {
	const around = 256
	if t.slab == nil {
		t.slab = slab.Get(t.size)
	}
	t.slab = slab.Grow(t.slab, r.size+r.size/4+around)
}

// write appends a record. Where escapes need more room than there is, the text moves and the slab is given back here.
func (t *text) write(r *found) {
	before := t.slab
	t.slab = t.writer.Append(before, r.partition, r.offset, r.time, r.record)
	if cap(t.slab) != cap(before) {
		slab.Put(before)
	}
}
