package recordjson

import (
	"bytes"
	"slices"
)

// scanner walks a body of JSON, strictly (RFC 8259). Owned by one Decoder; every method goes on at s.i, and after an
// error nothing else is asked of it.
type scanner struct {
	p     []byte
	i     int
	index int  // of the record that is read, -1 outside
	lines bool // NDJSON: a line feed is no white space but the end of a record

	// reused from body to body
	starts  []uint64 // where the escapes of the record's texts start
	scratch []byte   // short texts unescaped, and base64 decoded
	names   [][]byte // unknown members of the objects that are open
}

// space skips white space.
func (s *scanner) space() {
	if s.i < len(s.p) && s.p[s.i] > ' ' {
		return
	}
	s.spaces()
}

func (s *scanner) spaces() {
	for s.i < len(s.p) {
		switch c := s.p[s.i]; {
		case c == ' ' || c == '\t' || c == '\r':
		case c == '\n' && !s.lines:
		default:
			return
		}
		s.i++
	}
}

// peek skips white space and gives the next byte, 0 at the end: no token starts with it.
func (s *scanner) peek() byte {
	s.space()
	if s.i >= len(s.p) {
		return 0
	}
	return s.p[s.i]
}

// open steps into an object or array and tells whether it has a first element, else steps out again.
func (s *scanner) open(closing byte) bool {
	s.i++
	if s.peek() == closing {
		s.i++
		return false
	}
	return true
}

// more tells, after an element, whether another follows, else steps out of the object or array.
func (s *scanner) more(closing byte) (bool, *Error) {
	switch s.peek() {
	case ',':
		s.i++
		return true, nil
	case closing:
		s.i++
		return false, nil
	}
	if closing == '}' {
		return false, s.unexpected("a comma or }")
	}
	return false, s.unexpected("a comma or ]")
}

// name reads a member's name, unescaped, and the colon; s.i is then at its value.
func (s *scanner) name() ([]byte, *Error) {
	if s.peek() != '"' {
		return nil, s.unexpected("a member's name")
	}
	name, err := s.str()
	if err != nil {
		return nil, err
	}
	if s.peek() != ':' {
		return nil, s.unexpected("a colon")
	}
	s.i++
	s.space()
	return name, nil
}

// skipMember skips a member that is not known, and keeps its name for closeNames.
func (s *scanner) skipMember(name []byte) *Error {
	s.names = append(s.names, name)
	return s.skip()
}

// closeNames ends an object whose unknown names begin at mark: none may stand twice.
func (s *scanner) closeNames(mark int) *Error {
	name, twice := duplicate(s.names[mark:])
	clear(s.names[mark:])
	s.names = s.names[:mark]
	if twice {
		return s.repeated(name)
	}
	return nil
}

// fewNames is up to where comparing each with each is faster than sorting.
const fewNames = 12

// duplicate finds a name that stands twice. It may reorder names.
func duplicate(names [][]byte) (name []byte, twice bool) {
	if len(names) > fewNames {
		slices.SortFunc(names, bytes.Compare)
		return neighbours(names)
	}
	for i, a := range names {
		for _, b := range names[:i] {
			if bytes.Equal(a, b) {
				return a, true
			}
		}
	}
	return nil, false
}

func neighbours(sorted [][]byte) (name []byte, twice bool) {
	for i := 1; i < len(sorted); i++ {
		if bytes.Equal(sorted[i-1], sorted[i]) {
			return sorted[i], true
		}
	}
	return nil, false
}
