package fetch

import (
	"strconv"

	"flashq/http/fault"
	"flashq/slab"
)

// flow is what goes over a stream: records, and notes beside them. Both are pieces: slabs with room in front for what
// HTTP puts before a chunk.
type flow struct {
	text

	events bool   // server-sent events, else lines
	last   int    // where the last record begins in the slab
	notes  []byte // a piece that goes before the records; nil: none
}

// chunkRoom is how much stands before a chunk: its length in up to 8 digits, and a line's end.
const chunkRoom = 10

func newPiece(size int) []byte { return slab.Get(chunkRoom + size)[:chunkRoom] }

// add takes a record: an event, or a line.
func (w *flow) add(r *found) {
	if w.slab == nil {
		w.slab = newPiece(w.size)
	}
	w.grow(r)
	w.last = len(w.slab)
	if !w.events {
		w.write(r)
		w.slab = append(slab.Grow(w.slab, 1), '\n')
		return
	}
	w.slab = append(w.slab, "data: "...) // grow leaves room for it
	w.write(r)
	w.slab = append(slab.Grow(w.slab, 2), "\n\n"...)
}

// take gives the records as they are to be sent. The last one carries the position after it: an earlier one would have
// a reader that comes again miss the others.
func (w *flow) take(r *result) (piece []byte) {
	t := w.slab
	w.slab = nil
	if t == nil || !w.events {
		return t
	}
	id := append(slab.Get(256), "id: "...)
	id = append(r.appendPosition(id), '\n')
	end := len(t)
	t = append(slab.Grow(t, len(id)), id...)
	copy(t[w.last+len(id):], t[w.last:end])
	copy(t[w.last:], id)
	slab.Put(id)
	return t
}

// takeNotes gives the notes as they are to be sent, nil if there are none.
func (w *flow) takeNotes() (piece []byte) {
	piece, w.notes = w.notes, nil
	return piece
}

// note appends to the notes what write does.
func (w *flow) note(write func(t []byte) []byte) {
	if w.notes == nil {
		w.notes = newPiece(256)
	}
	w.notes = write(w.notes)
}

// beat is a heartbeat: it means nothing, and keeps what lies between from giving the connection up.
func (w *flow) beat() {
	w.note(func(t []byte) []byte {
		if w.events {
			t = append(t, ": ping\n"...)
		}
		return append(t, '\n')
	})
}

// event notes a control event, whose data write appends: of lines an object with one member, of that name.
func (w *flow) event(name string, write func(t []byte) []byte) {
	w.note(func(t []byte) []byte {
		if !w.events {
			t = append(append(append(t, `{"`...), name...), `":`...)
			return append(write(t), "}\n"...)
		}
		t = append(t, "event: "...)
		t = append(t, name...)
		t = append(t, "\ndata: "...)
		return append(write(t), "\n\n"...)
	})
}

// fail notes an error, which is the last that is sent.
func (w *flow) fail(e *fault.Error) {
	text, err := e.MarshalJSON()
	if err != nil {
		return // details are our own types: there is none
	}
	text = text[:len(text)-1] // the line's end
	if w.events {
		w.event("error", func(t []byte) []byte { return append(t, text...) })
		return
	}
	w.note(func(t []byte) []byte { return append(append(t, text...), '\n') })
}

// drop lets go of everything.
func (w *flow) drop() {
	w.text.drop()
	slab.Put(w.notes)
	w.notes = nil
}

func (w *flow) held() int { return cap(w.slab) + cap(w.notes) }

// appendID appends a position as the id of an event that is being written, or of none.
func appendID(t []byte, r *result) []byte {
	return append(r.appendPosition(append(t, "id: "...)), '\n')
}

// appendGap and the others write the data of events.
func appendGap(t []byte, c *cursor) []byte {
	t = append(t, `{"partition":`...)
	t = strconv.AppendInt(t, int64(c.partition), 10)
	t = appendField(t, "from", c.lost-c.gap)
	return append(appendField(t, "to", c.lost), '}')
}

func appendBeyond(t []byte, c *cursor) []byte {
	t = append(t, `{"partition":`...)
	t = strconv.AppendInt(t, int64(c.partition), 10)
	t = appendField(t, "next_offset", c.next)
	return append(appendField(t, "high_water_mark", c.high), '}')
}

func appendEnd(t []byte, r *result) []byte {
	t = append(t, `{"position":"`...)
	return append(r.appendPosition(t), `"}`...)
}

func appendAssignment(t []byte, p *plan) []byte {
	t = append(t, `{"generation":`...)
	t = strconv.AppendInt(t, p.generation, 10)
	return append(appendHeld(t, p.held), '}')
}
