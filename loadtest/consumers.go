package loadtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"flashq/loadtest/drive"
)

const (
	// pollTime is how long a consumer's poll waits for records.
	pollTime = 200 * time.Millisecond
	// pollRecords is how many it takes at most.
	pollRecords = 1000
	// pollTries is how many polls in a row may be refused: a server that answers nothing else is asked no more.
	pollTries = 10
)

// consumers read partitions by position, with polls that wait, and verify what comes. Each has partitions of its own.
type consumers struct {
	verifier *verifier
	host     drive.Host
	topic    string
	format   string // of the answers
	list     []*consumer
	produced *atomic.Bool // all is sent: an empty poll from now on is the end
}

type consumer struct {
	partitions []int
	offsets    map[int]int64 // where its partitions begin, and where batches are to be read on
	position   string
	turn       int  // of the partitions, for batches: an answer of them has one
	asked      bool // the poll under way was sent after all was produced
	empty      int  // polls in a row that were, and were sent so
	tries      int  // polls since the last one that was answered
	ended      bool
}

func (c *consumers) More(i int) bool { return !c.list[i].ended && c.list[i].tries < pollTries }

func (c *consumers) Next(i int, _ int64) []byte {
	one := c.list[i]
	one.asked = c.produced.Load()
	one.tries++
	records := pollRecords
	if c.format == "raw" {
		records = 1
	}
	path := fmt.Sprintf("/topics/%s/records?%s&max_records=%d&max_bytes=%d", c.topic, one.start(c.format), records,
		maxFetchBytes)
	return drive.Get(c.host, path, mediaTypes[c.format])
}

// start says where a poll reads, and how long it waits.
func (c *consumer) start(format string) string {
	wait := pollTime
	if format == "batch" {
		c.turn = (c.turn + 1) % len(c.partitions)
		p := c.partitions[c.turn]
		return fmt.Sprintf("partition=%d&from_offset=%d&timeout_ms=%d", p, c.offsets[p],
			wait.Milliseconds()/int64(len(c.partitions)))
	}
	if c.position == "" {
		for _, p := range c.partitions {
			c.position += fmt.Sprintf(",%d:%d", p, c.offsets[p])
		}
		c.position = c.position[1:]
	}
	partitions := strings.ReplaceAll(strings.Trim(fmt.Sprint(c.partitions), "[]"), " ", ",")
	return fmt.Sprintf("position=%s&partition=%s&timeout_ms=%d", c.position, partitions, wait.Milliseconds())
}

func (c *consumers) Answered(i int, a *drive.Answer, _, now int64, t *drive.Tally) error {
	one := c.list[i]
	list, err := readAnswer(c.format, a, one.partitions[one.turn])
	if err == nil {
		list, err = one.goOn(c.format, a, list)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", drive.ErrAnswer, err)
	}
	t.OK++
	one.tries = 0
	if one.empty++; len(list) > 0 || !one.asked {
		one.empty = 0
	}
	one.ended = one.empty >= one.polls(c.format)
	for _, r := range list {
		s, mine := readStamp(r.value)
		if !mine || s.run != c.verifier.id {
			c.verifier.stranger()
			continue
		}
		c.verifier.arrive(r.partition, s, now)
		t.Records++
		t.Bytes += int64(len(r.value))
		t.Took(now - s.meant)
	}
	return nil
}

// polls is how many look at all partitions.
func (c *consumer) polls(format string) int {
	if format == "batch" {
		return len(c.partitions)
	}
	return 1
}

// goOn moves the position behind an answer, and leaves out what stands before it.
func (c *consumer) goOn(format string, a *drive.Answer, list []arrived) ([]arrived, error) {
	switch format {
	case "batch": // the first batch may begin before what was asked for
		p := c.partitions[c.turn]
		for len(list) > 0 && list[0].offset < c.offsets[p] {
			list = list[1:]
		}
		if len(list) > 0 {
			c.offsets[p] = list[len(list)-1].offset + 1
		}
		return list, nil
	case "json":
		var answer struct{ Position string }
		if err := json.Unmarshal(a.Body, &answer); err != nil {
			return nil, err
		}
		c.position = answer.Position
	default:
		c.position = a.Header("FlashQ-Position")
	}
	if c.position == "" {
		return nil, fmt.Errorf("it has no position")
	}
	return list, nil
}
