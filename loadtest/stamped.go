package loadtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

const (
	// pollTime is how long a consumer's poll waits for records.
	pollTime = 200 * time.Millisecond
	// pollRecords is how many it takes at most.
	pollRecords = 1000
)

// producers makes requests whose records carry who sent them, their number and when they were to be sent. Bodies are
// prebuilt, and the stamps written into them.
type producers struct {
	verifier *verifier
	make     func() ([]byte, []int) // a request and where its stamps stand
	by       map[int]*producer
}

// producer is one connection's.
type producer struct {
	request []byte
	stamps  []int
	next    int64 // number of its next record
}

func (p *producers) More(int) bool { return true }

func (p *producers) Next(connection int, meant int64) []byte {
	one := p.by[connection]
	if one == nil {
		one = &producer{}
		one.request, one.stamps = p.make()
		p.by[connection] = one
	}
	for i, at := range one.stamps {
		putStamp(one.request[at:], stamp{p.verifier.id, connection, one.next + int64(i), meant})
	}
	one.next += int64(len(one.stamps))
	return one.request
}

func (p *producers) Answered(connection int, _ *drive.Answer, meant, now int64, t *drive.Tally) error {
	one := p.by[connection]
	n := len(one.stamps)
	p.verifier.acknowledge(connection, one.next-int64(n), n)
	t.Succeeded(int64(n), int64(n)*p.verifier.size, now-meant)
	return nil
}

// stampedRequest builds a request with room for stamps.
func stampedRequest(host, topic string, l report.Load, r *rand.Rand) (req []byte, stamps []int, err error) {
	mark := []byte(strings.Repeat("#", stampSize)) // in no letter and no number
	values := make([][]byte, l.Batch)
	for i := range values {
		rest := max(l.Size-stampSize, 0)
		values[i] = append(append([]byte(nil), mark...), letters(nil, rest, r)...)
		if l.Value == "json" && rest > 0 {
			values[i] = append(append([]byte(nil), mark...), jsonValue(rest, r)...)
		}
	}
	body, err := bodyOf(l, 0, values)
	if err != nil {
		return nil, nil, err
	}
	req = drive.Request("POST", host, "/topics/"+topic+"/records", mediaTypes[l.Format], body)
	for from := 0; len(stamps) < l.Batch; {
		i := bytes.Index(req[from:], mark)
		stamps = append(stamps, from+i)
		from += i + stampSize
	}
	return req, stamps, nil
}

// consumers read partitions by position, with polls that wait, and verify what comes. Each has partitions of its own.
type consumers struct {
	verifier *verifier
	host     string
	topic    string
	list     []*consumer
	produced *atomic.Bool // all is sent: an empty poll from now on is the end
}

type consumer struct {
	partitions []string
	position   string
	asked      bool // the poll under way was sent after all was produced
	ended      bool
}

func (c *consumers) More(i int) bool { return !c.list[i].ended }

func (c *consumers) Next(i int, _ int64) []byte {
	one := c.list[i]
	one.asked = c.produced.Load()
	path := fmt.Sprintf("/topics/%s/records?position=%s&max_records=%d&max_bytes=%d&timeout_ms=%d", c.topic,
		one.position, pollRecords, maxFetchBytes, pollTime.Milliseconds())
	if len(one.partitions) > 0 {
		path += "&partition=" + strings.Join(one.partitions, ",")
	}
	return drive.Get(c.host, path, mediaTypes["ndjson"])
}

func (c *consumers) Answered(i int, a *drive.Answer, _, now int64, t *drive.Tally) error {
	one := c.list[i]
	position := a.Header("FlashQ-Position")
	if position == "" {
		return fmt.Errorf("%w: it has no FlashQ-Position", drive.ErrAnswer)
	}
	one.position = position
	t.OK++
	if len(a.Body) == 0 {
		one.ended = one.asked
		return nil
	}
	for line := range bytes.Lines(a.Body) {
		var r struct {
			Partition int
			Value     string
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("%w: a record that is no JSON: %w", drive.ErrAnswer, err)
		}
		s, mine := readStamp(r.Value)
		if !mine || s.run != c.verifier.id {
			c.verifier.stranger()
			continue
		}
		c.verifier.arrive(r.Partition, s, now)
		t.Records++
		t.Bytes += int64(len(r.Value))
		t.Took(now - s.meant)
	}
	return nil
}
