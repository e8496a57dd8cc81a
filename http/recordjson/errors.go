package recordjson

import (
	"bytes"
	"fmt"
	"strings"

	"flashq/http/recordbody"
)

// shownName bounds how much of a stranger's text an error repeats.
const shownName = 64

func (s *scanner) fault(code, field, message string) *Error {
	switch {
	case s.index >= 0 && s.lines:
		message = fmt.Sprintf("line %d: %s", s.line(), message)
	case s.index >= 0:
		message = fmt.Sprintf("record %d: %s", s.index, message)
	}
	return &Error{
		Code: code, Message: message, Index: s.index, Field: field, MaxSize: -1, ActualSize: -1, Partition: -1,
	}
}

// line is the number of the line that is read, from 1, as an editor counts.
func (s *scanner) line() int { return 1 + bytes.Count(s.p[:min(s.i, len(s.p))], []byte{'\n'}) }

// syntax is about the body's bytes from at on.
func (s *scanner) syntax(at int, what string) *Error {
	return s.fault(recordbody.CodeSyntax, "", fmt.Sprintf("invalid JSON at byte %d: %s", at, what))
}

// unexpected names what stands where something else should.
func (s *scanner) unexpected(wanted string) *Error {
	if s.i >= len(s.p) {
		return s.syntax(len(s.p), "the body ends where "+wanted+" should be")
	}
	if s.lines && s.p[s.i] == '\n' {
		return s.syntax(s.i, "the line ends where "+wanted+" should be")
	}
	if s.p[s.i] == '\'' {
		return s.syntax(s.i, `"'" where `+wanted+` should be; JSON needs double quotes; in a shell: -d '{"a":1}'`)
	}
	return s.syntax(s.i, fmt.Sprintf("%q where %s should be", s.p[s.i:s.i+1], wanted))
}

// wrong is for JSON that is valid but not what a record looks like.
func (s *scanner) wrong(field, what string) *Error {
	return s.fault(recordbody.CodeRecord, field, what)
}

// wrongType is wrong, after making sure that the value which has the wrong type is JSON at all.
func (s *scanner) wrongType(field, what string) *Error {
	if err := s.skip(); err != nil {
		return err
	}
	return s.wrong(field, what)
}

func (s *scanner) repeated(name []byte) *Error {
	shown := shorten(name)
	return s.wrong(shown, fmt.Sprintf("member %q stands twice", shown))
}

// outOfRange is for values of the right type that can't be taken.
func (s *scanner) outOfRange(field, what string) *Error {
	return s.fault(recordbody.CodeRange, field, what)
}

// tooLarge tells a limit and what was sent instead; unit is "bytes" or what is counted.
func (s *scanner) tooLarge(field, what, unit string, limit, actual int) *Error {
	message := fmt.Sprintf("%s has %d %s, at most %d are allowed", what, actual, unit, limit)
	err := s.fault(recordbody.CodeRange, field, message)
	err.MaxSize, err.ActualSize = limit, actual
	return err
}

func (s *scanner) noPartition(partition, partitions int) *Error {
	err := s.fault(recordbody.CodeNoPartition, "partition",
		fmt.Sprintf("partition %d does not exist, the topic has %d", partition, partitions))
	err.Partition = partition
	return err
}

// shorten makes an own copy of a name, cut to a length that an error may repeat.
func shorten(name []byte) string {
	if len(name) <= shownName {
		return string(name)
	}
	return strings.ToValidUTF8(string(name[:shownName]), "") + "..."
}
