package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"flashq/client"
)

// cursor is how far a partition is read.
type cursor struct {
	partition int
	next, end int64 // end is exclusive
	done      bool  // there is nothing left that was asked for
}

// place sets the cursors where the span begins in the topic as it stands now.
func (r *reading) place(topic *client.Topic) {
	for _, d := range topic.Details {
		if r.partitions == nil || slices.Contains(r.partitions, d.Partition) {
			r.cursors = append(r.cursors, cursor{
				partition: d.Partition, next: r.span.from.offset(d), end: r.span.to.end(d, r.follow),
			})
		}
	}
	slices.SortFunc(r.cursors, func(a, b cursor) int { return cmp.Compare(a.partition, b.partition) })
}

func (r *reading) cursor(partition int) *cursor {
	compare := func(c cursor, p int) int { return cmp.Compare(c.partition, p) }
	i, found := slices.BinarySearchFunc(r.cursors, partition, compare)
	if !found {
		return nil
	}
	return &r.cursors[i]
}

// position is what to ask for next: nil partitions are all.
func (r *reading) position() (list []int, position string) {
	var text strings.Builder
	for _, c := range r.cursors {
		if c.done {
			continue
		}
		list = append(list, c.partition)
		if text.Len() > 0 {
			text.WriteByte(',')
		}
		text.WriteString(strconv.Itoa(c.partition) + ":" + strconv.FormatInt(c.next, 10))
	}
	return list, text.String()
}

// move goes where an answer left off, or over what it could not read. Who does not follow is done where nothing is
// left, also before an end that the partition has no more.
func (c *cursor) move(p client.PartitionState, follow bool) {
	before := c.next
	if p.Error == nil || p.NextOffset > 0 { // else nothing is known of the partition
		c.next = p.NextOffset
	}
	if p.Error != nil {
		if c.next >= p.Error.FirstOffset {
			c.next = max(c.next, p.Error.NextGoodOffset, p.Error.NextOffset)
		}
		c.done = c.next == before && !follow
	}
	end := c.end
	if p.End != nil && !follow {
		end = min(end, *p.End)
	}
	c.done = c.done || c.next >= end || !follow && p.Error == nil && c.next >= p.HighWaterMark
}

// damageAlone is the partition of an error that says that it is damaged; nil is any other error.
func damageAlone(err error) *client.PartitionState {
	var e *client.Error
	if !errors.As(err, &e) || e.Code != "corrupt_data" && e.Code != "storage_error" {
		return nil
	}
	number := func(name string) int64 {
		n, _ := e.Details[name].(json.Number)
		i, _ := n.Int64() // 0 where it is not there
		return i
	}
	if _, ok := e.Details["partition"]; !ok {
		return nil
	}
	first := number("first_offset")
	return &client.PartitionState{Partition: int(number("partition")), NextOffset: first, Error: &client.Damage{
		Code: e.Code, Retryable: e.Retryable, FirstOffset: first,
		NextGoodOffset: number("next_good_offset"), NextOffset: number("next_offset"),
	}}
}

// write writes out what of a page is within the ends.
func (r *reading) write(page *client.Fetched) error {
	w := r.cmd.OutOrStdout()
	p, err := r.within(page)
	if err != nil {
		return err
	}
	if len(p.records) == 0 {
		if f, ok := w.(*os.File); ok {
			if pipe, ok := lookAtPipe(f); ok && pipe.gone {
				return errPipe // who reads is gone, and may never be missed by a write
			}
		}
		return nil
	}
	r.written += len(p.records)
	switch err := r.show.write(w, p); {
	case errors.Is(err, syscall.EPIPE):
		return errPipe
	case err != nil:
		return fmt.Errorf("write the records: %w", err)
	}
	return nil
}

// within leaves out what stands past an end: an answer may have more than was asked for.
func (r *reading) within(page *client.Fetched) (p recordPage, err error) {
	var lines []json.RawMessage
	if len(page.Records) > 0 && (r.show.needsPages() || r.show.needsLines()) {
		if lines, err = itemsOf(page.JSON, "records"); err != nil {
			return p, err
		}
	}
	for i, record := range page.Records {
		if c := r.cursor(record.Partition); c == nil || record.Offset >= c.end {
			continue
		}
		p.records = append(p.records, record)
		if lines != nil {
			p.lines = append(p.lines, lines[i])
		}
	}
	if r.show.needsPages() {
		p.page = pageOf(p.lines)
	}
	return p, nil
}

// pageOf is an answer of the API's shape that has these records.
func pageOf(records []json.RawMessage) []byte {
	page := []byte(`{"records":[`)
	for i, record := range records {
		if i > 0 {
			page = append(page, ',')
		}
		page = append(page, record...)
	}
	return append(page, "]}"...)
}
