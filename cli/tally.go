package cli

import (
	"io"
	"maps"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"

	"flashq/client"
)

// tally sums up where records went, and tells it as the user wants to hear it.
type tally struct {
	out    output
	stored int
	ranges map[int]*storedRange // by partition
}

// storedRange sums up what went into one partition.
type storedRange struct {
	records     int64
	first, last int64
}

func newTally() tally { return tally{out: newOutput(), ranges: map[int]*storedRange{}} }

// add counts an answer, and prints it; the table waits for close.
func (t *tally) add(w io.Writer, done *client.Produced) error {
	t.stored += done.Count
	for _, r := range done.Partitions {
		sum := t.ranges[r.Partition]
		if sum == nil {
			sum = &storedRange{first: r.BaseOffset}
			t.ranges[r.Partition] = sum
		}
		sum.records += r.LastOffset - r.BaseOffset + 1
		sum.last = r.LastOffset
	}
	if t.out.format.value == "table" {
		return nil
	}
	return t.out.print(w, done.JSON, "offsets", nil)
}

// close prints the table, if that is wanted and there is something to show.
func (t *tally) close(w io.Writer) error {
	if t.out.format.value != "table" || t.stored == 0 {
		return nil
	}
	return t.out.print(w, nil, "", t.table)
}

func (t *tally) table() string {
	var rows []table.Row
	for _, partition := range slices.Sorted(maps.Keys(t.ranges)) {
		r := t.ranges[partition]
		rows = append(rows, table.Row{plain(partition), count(r.records), plain(r.first), plain(r.last)})
	}
	return tableOf(table.Row{"partition", "records", "first offset", "last offset"}, rows)
}
