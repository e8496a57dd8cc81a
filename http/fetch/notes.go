package fetch

import (
	"errors"

	"flashq/http/fault"
)

// lastWords tells the reader why the stream ends.
func (s *stream) lastWords(why error) {
	switch {
	case errors.Is(why, errLeft):
		return
	case errors.Is(why, errDone):
		s.flow.event("end", func(t []byte) []byte { return appendEnd(t, s.result()) })
	default:
		e, known := fault.Explain(why)
		if !known {
			s.f.env.Log.Error("stream failed", "topic", s.f.topic.Name(), "err", why)
		}
		s.flow.fail(e)
	}
	if notes := s.flow.takeNotes(); notes != nil && s.send(notes) != nil {
		return
	}
	s.finish()
}

// finish tells that the answer is whole.
func (s *stream) finish() {
	if s.pack != nil {
		pack := s.pack
		s.pack = nil
		if rest := pack.End(newPiece(64)); len(rest) > chunkRoom && s.send(rest) != nil {
			return
		}
	}
	if s.chunked {
		_ = s.write([]byte("0\r\n\r\n")) // the end of the connection says it, too
	}
}

// noteStart opens a stream: of events with how to come again, and from where, before the first record. Of lines the
// head says that.
func (s *stream) noteStart() {
	if s.flow.events {
		s.flow.note(func(t []byte) []byte {
			return append(appendID(append(t, "retry: "+retryMs+"\n"...), s.result()), '\n')
		})
	}
	if s.f.query.Member != "" {
		s.noteAssignment()
	}
	s.noteBeyond()
}

// noteAssignment tells a member what it holds from now on, events with the position that says so.
func (s *stream) noteAssignment() {
	if s.flow.events {
		s.flow.note(func(t []byte) []byte { return appendID(t, s.result()) })
	}
	s.flow.event("assignment", func(t []byte) []byte { return appendAssignment(t, &s.f.plan) })
}

// noteBeyond tells of starts that are ahead of all that is stored: what comes before them is not sent.
func (s *stream) noteBeyond() {
	for i := range s.f.rounds.cursors {
		if c := &s.f.rounds.cursors[i]; c.beyond() > 0 {
			s.flow.event("beyond", func(t []byte) []byte { return appendBeyond(t, c) })
		}
	}
}

// noteGaps tells of records that are no longer kept.
func (s *stream) noteGaps() {
	for i := range s.f.rounds.cursors {
		c := &s.f.rounds.cursors[i]
		if c.gap > 0 {
			s.flow.event("gap", func(t []byte) []byte { return appendGap(t, c) })
			c.gap = 0
		}
	}
}
