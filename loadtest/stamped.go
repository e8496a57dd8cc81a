package loadtest

import (
	"bytes"
	"math/rand/v2"
	"strings"

	"flashq/loadtest/drive"
)

// producers makes requests whose records carry who sent them, their number and when they were to be sent. Bodies are
// prebuilt, and the stamps written into them.
type producers struct {
	run  uint32
	size int64 // of a value
	sent acknowledger
	make func(connection int) stamped
	by   map[int]*producer
}

// acknowledger hears of n records of a producer that the server has accepted, from number on. Any goroutine may call
// it.
type acknowledger interface {
	acknowledge(producer int, number int64, n int)
}

// producer is one connection's.
type producer struct {
	stamped
	next int64 // number of its next record
}

// stamped is a request with room for stamps.
type stamped struct {
	request []byte
	stamps  []int // where they stand
	batches int   // where a body of batches begins, whose CRCs have to be right; zero: it is none
}

func (p *producers) More(int) bool { return true }

func (p *producers) Next(connection int, meant int64) []byte {
	one := p.by[connection]
	if one == nil {
		one = &producer{stamped: p.make(connection)}
		p.by[connection] = one
	}
	for i, at := range one.stamps {
		putStamp(one.request[at:], stamp{p.run, connection, one.next + int64(i), meant})
	}
	if one.batches > 0 {
		sealBatches(one.request[one.batches:])
	}
	one.next += int64(len(one.stamps))
	return one.request
}

func (p *producers) Answered(connection int, _ *drive.Answer, meant, now int64, t *drive.Tally) error {
	one := p.by[connection]
	n := len(one.stamps)
	p.sent.acknowledge(connection, one.next-int64(n), n)
	t.Succeeded(int64(n), int64(n)*p.size, now-meant)
	return nil
}

// stampedRequest builds the request of one connection.
func stampedRequest(host drive.Host, topic string, connection int, g cargo, r *rand.Rand) (s stamped, err error) {
	l := g.Load
	mark := []byte(strings.Repeat("#", stampSize)) // in no letter and no number
	values := make([][]byte, l.Batch)
	for i := range values {
		rest := max(l.Size-stampSize, 0)
		values[i] = append(append([]byte(nil), mark...), letters(nil, rest, r)...)
		if l.Value == "json" && rest > 0 {
			values[i] = append(append([]byte(nil), mark...), jsonValue(rest, r)...)
		}
	}
	b, err := bodyOf(l, 0, values)
	if err != nil {
		return s, err
	}
	s.request = g.request(host, topic, connection, b)
	if l.Format == "batch" {
		s.batches = len(s.request) - len(b.text)
	}
	for from := 0; len(s.stamps) < l.Batch; {
		i := bytes.Index(s.request[from:], mark)
		s.stamps = append(s.stamps, from+i)
		from += i + stampSize
	}
	return s, nil
}
