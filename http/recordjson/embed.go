package recordjson

import (
	"bytes"
	"strconv"
	"sync"
)

// mostEmbedded is how many objects and arrays may stand within each other in a value that is embedded: with those
// around it, what every parser takes by default. One value must not make a whole answer unreadable.
const mostEmbedded = 60

// judges hold the scanners of those who look at values.
var judges = sync.Pool{New: func() any { return new(judge) }}

// judge tells which values may stand in an answer as they are. It belongs to one goroutine.
type judge struct{ scanner }

// embeddable tells whether value is one JSON object, array, number or boolean that comes back byte for byte when it is
// sent again as it stands, also as a line, and that every strict parser takes: no name twice, no number that is too
// large for one, not too deep.
func embeddable(value []byte) bool {
	if !looksEmbeddable(value) {
		return false
	}
	j := judges.Get().(*judge)
	defer judges.Put(j)
	j.p, j.i, j.index = value, 0, -1
	ok := j.value(0) && j.i == len(value)
	clear(j.names) // they point into the value
	j.p, j.starts, j.scratch, j.names = nil, j.starts[:0], j.scratch[:0], j.names[:0]
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

// value steps over the value at j.i, if it is a good one; depth is how many it stands in.
func (j *judge) value(depth int) bool {
	switch c := j.peek(); {
	case c == '{' || c == '[':
		return depth < mostEmbedded && j.nested(c == '{', depth+1)
	case c == '-' || isDigit(c):
		start := j.i
		_, err := j.number()
		return err == nil && isDouble(j.p[start:j.i])
	default:
		return j.skipScalar() == nil
	}
}

func (j *judge) nested(object bool, depth int) bool {
	closing := byte(']')
	if object {
		closing = '}'
	}
	mark := len(j.names)
	for more := j.open(closing); more; {
		if object {
			name, err := j.name()
			if err != nil {
				return false
			}
			j.names = append(j.names, name)
		}
		if !j.value(depth) {
			return false
		}
		var err *Error
		if more, err = j.more(closing); err != nil {
			return false
		}
	}
	return j.closeNames(mark) == nil
}

// isDouble tells whether a number is within what parsers keep numbers in; some refuse any other.
func isDouble(number []byte) bool {
	const surely = 300 // digits
	if len(number) < surely && !bytes.ContainsAny(number, "eE") {
		return true
	}
	_, err := strconv.ParseFloat(string(number), 64)
	return err == nil
}
