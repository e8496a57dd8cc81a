package request

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// Mark is one entry of a position token: the partition continues at the offset.
type Mark struct {
	Partition int
	Offset    int64
}

// NoGeneration is the generation of a token that carries none.
const NoGeneration = -1

// ParseToken reads a position with or without a member's generation in front: `g7;0:15,2:7`. That of a member without
// partitions is `g7;`.
func ParseToken(token []byte) (generation int64, marks []Mark, ok bool) {
	generation = NoGeneration
	if len(token) > 0 && token[0] == 'g' {
		number, rest, found := bytes.Cut(token[1:], []byte{';'})
		if generation, ok = Digits(number); !ok || !found {
			return 0, nil, false
		}
		if token = rest; len(token) == 0 {
			return generation, []Mark{}, true
		}
	}
	marks, ok = parsePosition(token)
	return generation, marks, ok
}

// parsePosition reads `0:15,2:7`: decimal digits only, every partition once. The marks come back sorted by partition;
// ok is false for anything else.
func parsePosition(token []byte) (marks []Mark, ok bool) {
	for more := true; more; {
		var entry []byte
		entry, token, more = bytes.Cut(token, []byte{','})
		partition, offset, found := bytes.Cut(entry, []byte{':'})
		p, ok1 := Digits(partition)
		o, ok2 := Digits(offset)
		if !found || !ok1 || !ok2 || p > 1<<31-1 {
			return nil, false
		}
		marks = append(marks, Mark{int(p), o})
	}
	slices.SortFunc(marks, func(a, b Mark) int { return cmp.Compare(a.Partition, b.Partition) })
	for i := 1; i < len(marks); i++ {
		if marks[i].Partition == marks[i-1].Partition {
			return nil, false
		}
	}
	return marks, true
}

// FindMark looks a partition up in sorted marks.
func FindMark(marks []Mark, partition int) (offset int64, ok bool) {
	i, ok := slices.BinarySearchFunc(marks, partition, func(m Mark, p int) int { return cmp.Compare(m.Partition, p) })
	if !ok {
		return 0, false
	}
	return marks[i].Offset, true
}

// AppendMark appends one entry to a token that began at start.
func AppendMark(dst []byte, start, partition int, offset int64) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	dst = strconv.AppendInt(dst, int64(partition), 10)
	dst = append(dst, ':')
	return strconv.AppendInt(dst, offset, 10)
}

// Digits reads a non-negative decimal int64 without sign, space or underscore; false also on overflow.
func Digits(p []byte) (int64, bool) {
	if len(p) == 0 || len(p) > 19 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range p {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return int64(n), n <= 1<<63-1
}
