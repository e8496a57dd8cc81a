package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"flashq/client"
)

// point is a place in each partition of a topic.
type point struct {
	kind pointKind
	n    int64     // of atOffset and beforeEnd
	time time.Time // of atTime
}

type pointKind int

const (
	unsaid    pointKind = iota
	atOffset            // the record of that offset
	beforeEnd           // so many records before the end
	atEarliest
	atLatest
	atTime // the first record that is not older
)

// span is what --offset says: from a point to before another one.
type span struct{ from, to point }

const spanForms = "earliest, latest, N, -N for the last N, @TIME, or a range of two of them such as 100..200, " +
	"..-10 or @-1h..@-5m, without its end"

// parseSpan reads one point, from which on all is meant, or two with dots between.
func parseSpan(text string, now time.Time) (s span, err error) {
	from, to, ranged := strings.Cut(text, "..")
	if from == "" && to == "" {
		return s, fmt.Errorf("%q; allowed: %s", text, spanForms)
	}
	if s.from, err = parsePoint(from, now); err == nil && ranged {
		s.to, err = parsePoint(to, now)
	}
	if errors.Is(err, errPoint) {
		return span{}, fmt.Errorf("%q; allowed: %s", text, spanForms)
	}
	if err == nil && s.backwards() {
		err = fmt.Errorf("%q ends before it begins", text)
	}
	return s, err
}

var errPoint = errors.New("no place in a topic")

func parsePoint(text string, now time.Time) (point, error) {
	switch text {
	case "":
		return point{}, nil
	case "earliest":
		return point{kind: atEarliest}, nil
	case "latest":
		return point{kind: atLatest}, nil
	}
	if at, ok := strings.CutPrefix(text, "@"); ok {
		t, err := parseWhen(at, now)
		return point{kind: atTime, time: t}, err
	}
	kind, digits := atOffset, text
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		kind, digits = beforeEnd, rest
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return point{}, errPoint
	}
	return point{kind: kind, n: int64(n)}, nil
}

// backwards tells of a span whose end is before its beginning whatever the topic holds.
func (s span) backwards() bool {
	if s.from.kind != s.to.kind {
		return false
	}
	switch s.from.kind {
	case atOffset:
		return s.to.n < s.from.n
	case beforeEnd:
		return s.to.n > s.from.n
	case atTime:
		return s.to.time.Before(s.from.time)
	}
	return false
}

// offset is where a point is in a partition as it stands; of a time only the broker knows.
func (p point) offset(d client.TopicPartition) int64 {
	switch p.kind {
	case atOffset:
		return p.n
	case beforeEnd:
		return max(d.Earliest, d.HighWaterMark-p.n)
	case atLatest:
		return d.HighWaterMark
	}
	return d.Earliest
}

// end is where reading ends in a partition; who follows has no end but the one that was named.
func (p point) end(d client.TopicPartition, follow bool) int64 {
	switch {
	case p.kind == atOffset && follow:
		return p.n
	case p.kind == atOffset:
		return min(p.n, d.HighWaterMark)
	case p.kind == unsaid || p.kind == atTime: // the broker ends it at a time
		if follow {
			return math.MaxInt64
		}
		return d.HighWaterMark
	}
	return p.offset(d)
}
