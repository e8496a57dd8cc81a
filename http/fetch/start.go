package fetch

import (
	"flashq/http/fault"
	"flashq/http/request"
)

// StartKind is a way to say where a fetch begins in each partition.
type StartKind int

// The kinds.
const (
	FromEarliest StartKind = iota
	FromLatest
	FromOffset   // at Offset
	FromLast     // Offset records before the end
	FromTime     // the first record that is not older than Time
	FromPosition // at the marks
)

// Start is where a fetch begins.
type Start struct {
	By     string // the parameter that said it, "" for the default
	Kind   StartKind
	Offset int64
	Time   int64 // milliseconds
	Marks  []request.Mark
	// RestAtEnd has the partitions without a mark begin at the end, not at the beginning.
	RestAtEnd bool
}

// only takes the one parameter that says the start.
func only(set func(s *Start, v request.Value) error) func(q *Query, v request.Value) error {
	return func(q *Query, v request.Value) error {
		if q.Start.By != "" {
			return v.Bad("can't stand beside '" + q.Start.By + "': a fetch has one start")
		}
		q.Start.By = v.Name
		return set(&q.Start, v)
	}
}

func (s *Start) setOffset(v request.Value) error {
	ok := true
	switch text := v.Text; {
	case string(text) == "earliest":
	case string(text) == "latest":
		s.Kind = FromLatest
	case len(text) > 0 && text[0] == '-':
		s.Kind = FromLast
		s.Offset, ok = request.Digits(text[1:])
		ok = ok && s.Offset > 0
	default:
		s.Kind = FromOffset
		s.Offset, ok = request.Digits(text)
	}
	if !ok {
		return badOffset(v)
	}
	return nil
}

// badOffset refuses a from_offset.
func badOffset(v request.Value) error {
	return fault.InvalidOffset.New(
		"from_offset "+fault.Quote(string(v.Text))+" must be earliest, latest, N, or -N for the last N",
		fault.Details{"parameter": "from_offset"})
}

func (s *Start) setTime(v request.Value) (err error) {
	s.Kind = FromTime
	s.Time, err = v.Time()
	return err
}

func (s *Start) setPosition(v request.Value) error {
	s.Kind = FromPosition
	ok := false
	if _, s.Marks, ok = request.ParseToken(v.Text); !ok {
		return v.Bad("must be partition:offset pairs as 0:15,2:7, every partition once")
	}
	return nil
}

// offset gives the offset at which a partition begins; false where only the partition can tell.
func (s *Start) offset(partition int) (offset int64, ok bool) {
	switch s.Kind {
	case FromOffset:
		return s.Offset, true
	case FromPosition:
		return request.FindMark(s.Marks, partition)
	}
	return 0, false
}

// find gives the offset at which a partition begins; false where only a look at the records' times can tell.
func (s *Start) find(partition int, earliest, high int64) (offset int64, ok bool) {
	if offset, ok := s.offset(partition); ok {
		return offset, true
	}
	switch s.Kind {
	case FromLatest:
		return high, true
	case FromLast:
		return max(earliest, high-s.Offset), true
	case FromTime:
		return 0, false
	case FromPosition:
		if s.RestAtEnd {
			return high, true
		}
	}
	return earliest, true
}
