package recordjson

import (
	"bytes"
	"sync"
)

// scanners are for those who look at values.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// embeddable tells whether value is one JSON object, array, number or boolean that comes back byte for byte when it is
// sent again as it stands, also as a line: whether the scanner takes it that reads what is sent.
func embeddable(value []byte) bool {
	if !looksEmbeddable(value) {
		return false
	}
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.p, s.i, s.index = value, 0, -1
	ok := s.skip() == nil && s.i == len(value)
	s.p, s.starts, s.scratch = nil, s.starts[:0], s.scratch[:0]
	return ok
}

// looksEmbeddable passes over most texts at a glance. White space around a value is not part of its JSON text, so it
// would not come back.
func looksEmbeddable(value []byte) bool {
	if len(value) == 0 {
		return false
	}
	switch first, last := value[0], value[len(value)-1]; {
	case first == '{':
		if last != '}' {
			return false
		}
	case first == '[':
		if last != ']' {
			return false
		}
	case first == 't' || first == 'f':
		return string(value) == "true" || string(value) == "false"
	case first != '-' && !isDigit(first) || !isDigit(last):
		return false
	}
	return bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0
}
