package recordjson

// maxDepth is how many objects and arrays may stand within each other in one member's value.
const maxDepth = 1000

// skip checks the value at s.i and steps past it.
func (s *scanner) skip() *Error {
	if c := s.peek(); c == '{' || c == '[' {
		return s.skipNested()
	}
	return s.skipScalar()
}

// raw is skip, and gives the value's exact text.
func (s *scanner) raw() ([]byte, *Error) {
	s.space()
	start := s.i
	err := s.skip()
	return s.p[start:s.i], err
}

func (s *scanner) skipScalar() *Error {
	switch c := s.peek(); c {
	case '"':
		mark := len(s.starts)
		_, err := s.text()
		s.starts = s.starts[:mark]
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c != '-' && !isDigit(c) {
			return s.unexpected("a value")
		}
		_, err := s.number()
		return err
	}
}

// nest remembers for each open level whether it is an object, so that no depth needs the stack.
type nest struct {
	objects [maxDepth/64 + 1]uint64
	depth   int
}

func (n *nest) push(object bool) {
	bit := uint64(1) << (n.depth % 64)
	n.objects[n.depth/64] &^= bit
	if object {
		n.objects[n.depth/64] |= bit
	}
	n.depth++
}

func (n *nest) inObject() bool {
	top := n.depth - 1
	return n.objects[top/64]>>(top%64)&1 == 1
}

func (s *scanner) skipNested() *Error {
	var n nest
	for {
		entered, err := s.enter(&n)
		if err != nil {
			return err
		}
		if entered {
			continue
		}
		if err := s.leave(&n); err != nil || n.depth == 0 {
			return err
		}
	}
}

// enter reads a value: a scalar or an empty container whole, of others the beginning up to their first element.
func (s *scanner) enter(n *nest) (entered bool, err *Error) {
	c := s.peek()
	if c != '{' && c != '[' {
		return false, s.skipScalar()
	}
	if n.depth == maxDepth {
		return false, s.syntax(s.i, "nested more than 1000 levels deep")
	}
	closing := c + 2 // in ASCII, for both
	if !s.open(closing) {
		return false, nil
	}
	n.push(c == '{')
	if c == '{' {
		return true, s.skipName()
	}
	return true, nil
}

// leave goes on after a value: to the next element, out of all levels that end here.
func (s *scanner) leave(n *nest) *Error {
	for n.depth > 0 {
		object := n.inObject()
		closing := byte(']')
		if object {
			closing = '}'
		}
		more, err := s.more(closing)
		if err != nil {
			return err
		}
		if more {
			if object {
				return s.skipName()
			}
			return nil
		}
		n.depth--
	}
	return nil
}

func (s *scanner) skipName() *Error {
	marks, used := len(s.starts), len(s.scratch)
	_, err := s.name()
	s.starts, s.scratch = s.starts[:marks], s.scratch[:used]
	return err
}

func (s *scanner) literal(word string) *Error {
	if len(s.p)-s.i < len(word) || string(s.p[s.i:s.i+len(word)]) != word {
		return s.unexpected("a value")
	}
	s.i += len(word)
	return nil
}

// null steps over a null, if that is what stands here.
func (s *scanner) null() bool {
	return s.i < len(s.p) && s.p[s.i] == 'n' && s.literal("null") == nil
}

// number steps over a number and tells whether it is written as an integer.
func (s *scanner) number() (integer bool, err *Error) {
	if s.p[s.i] == '-' {
		s.i++
	}
	switch {
	case s.i < len(s.p) && s.p[s.i] == '0':
		s.i++
	case !s.digits():
		return false, s.unexpected("a digit")
	}
	integer = true
	if s.i < len(s.p) && s.p[s.i] == '.' {
		integer = false
		s.i++
		if !s.digits() {
			return false, s.unexpected("a digit")
		}
	}
	if s.i < len(s.p) && s.p[s.i]|0x20 == 'e' {
		integer = false
		s.i++
		if s.i < len(s.p) && (s.p[s.i] == '+' || s.p[s.i] == '-') {
			s.i++
		}
		if !s.digits() {
			return false, s.unexpected("a digit")
		}
	}
	return integer, nil
}

// digits steps over digits and tells whether there was one.
func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.p) && isDigit(s.p[s.i]) {
		s.i++
	}
	return s.i > start
}

func isDigit(c byte) bool { return c-'0' <= 9 }
