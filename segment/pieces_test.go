package segment_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"flashq/segment"
)

// said is a walk over the pieces of a file, a line for each.
func said(t *testing.T, file []byte, base int64) string {
	t.Helper()
	var b strings.Builder
	at := int64(0)
	err := segment.EachPiece(bytes.NewReader(file), base, int64(len(file)), func(p segment.Piece) error {
		if p.Pos != at {
			t.Errorf("a piece at %d, where %d comes next", p.Pos, at)
		}
		at += p.Size
		switch p.Kind {
		case segment.GoodBatch:
			fmt.Fprintf(&b, "batch %d-%d\n", p.Batch.BaseOffset(), p.Batch.LastOffset())
		case segment.Damaged:
			fmt.Fprintf(&b, "damaged %d-%d whole=%v\n", p.First, p.Next, p.Batch != nil)
		case segment.Gap:
			fmt.Fprintf(&b, "gap %d-%d\n", p.First, p.Next)
		case segment.OldMessage:
			fmt.Fprintf(&b, "magic %d at %d\n", p.Magic, p.First)
		case segment.Zeroes:
			fmt.Fprintf(&b, "zeroes %d\n", p.Size)
		case segment.Tail:
			fmt.Fprintf(&b, "tail %d\n", p.Size)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if at != int64(len(file)) {
		t.Errorf("the pieces end at %d of %d", at, len(file))
	}
	return b.String()
}

// oldMessage is a message of magic 0 or 1 without a key, with a checksum of its own kind.
func oldMessage(offset int64, magic byte) []byte {
	body := []byte{magic, 0}
	if magic == 1 {
		body = binary.BigEndian.AppendUint64(body, 1000)
	}
	body = append(body, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 'x')
	p := binary.BigEndian.AppendUint64(nil, uint64(offset))
	p = binary.BigEndian.AppendUint32(p, uint32(4+len(body)))
	p = binary.BigEndian.AppendUint32(p, crc32.ChecksumIEEE(body))
	return append(p, body...)
}

func TestPiecesOfAFile(t *testing.T) {
	first, second, third := encode(5, 100, 3), encode(8, 200, 2), encode(10, 300, 1)
	spoiled := func(p []byte, at int) []byte {
		p = bytes.Clone(p)
		p[at] ^= 0x55
		return p
	}
	const end = "batch 5-7\nbatch 8-9\nbatch 10-10\n"
	for name, row := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":                     {nil, ""},
		"whole":                       {slices.Concat(first, second, third), end},
		"a value":                     {slices.Concat(first, spoiled(second, 70), third), "batch 5-7\ndamaged 8-10 whole=true\nbatch 10-10\n"},
		"a value of the last":         {slices.Concat(first, second, spoiled(third, 70)), "batch 5-7\nbatch 8-9\ndamaged 10-11 whole=true\n"},
		"values of two":               {slices.Concat(first, spoiled(second, 70), spoiled(third, 70)), "batch 5-7\ndamaged 8-10 whole=true\ndamaged 10-11 whole=true\n"},
		"a length":                    {slices.Concat(first, spoiled(second, 9), third), "batch 5-7\ndamaged 8-10 whole=false\nbatch 10-10\n"},
		"a magic":                     {slices.Concat(first, spoiled(second, 16), third), "batch 5-7\ndamaged 8-10 whole=false\nbatch 10-10\n"},
		"a base offset, further on":   {slices.Concat(first, spoiled(second, 7), third), "batch 5-7\ngap 8-93\nbatch 93-94\ndamaged 0-0 whole=true\n"},
		"a batch twice":               {slices.Concat(first, first, second), "batch 5-7\ndamaged 0-0 whole=true\nbatch 8-9\n"},
		"a batch left out":            {slices.Concat(first, third), "batch 5-7\ngap 8-10\nbatch 10-10\n"},
		"torn in the head":            {slices.Concat(first, second[:30]), "batch 5-7\ntail 30\n"},
		"torn in the records":         {slices.Concat(first, second[:70]), "batch 5-7\ntail 70\n"},
		"room behind the end":         {slices.Concat(first, make([]byte, 100_000)), "batch 5-7\nzeroes 100000\n"},
		"garbage between":             {slices.Concat(first, []byte("garbage"), second), "batch 5-7\ndamaged 8-8 whole=false\nbatch 8-9\n"},
		"messages before batches":     {slices.Concat(oldMessage(5, 0), oldMessage(6, 1), encode(7, 1, 1)), "magic 0 at 5\nmagic 1 at 6\nbatch 7-7\n"},
		"a message of a wrong CRC":    {slices.Concat(first, spoiled(oldMessage(8, 1), 30)), "batch 5-7\ntail 35\n"},
		"a file that begins later on": {second, "gap 5-8\nbatch 8-9\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(t, row.file, 5); got != row.want {
				t.Errorf("got\n%swant\n%s", got, row.want)
			}
		})
	}
}

// FuzzPieces walks a file of three batches in which any bytes stand from some position on: pieces follow one another to
// the end, and batches that stand before that position are found as they were written.
func FuzzPieces(f *testing.F) {
	whole := slices.Concat(encode(0, 100, 3), encode(3, 200, 2), encode(5, 300, 1))
	for _, other := range [][]byte{nil, {0}, {0xff}, make([]byte, 200), oldMessage(6, 1), whole} {
		f.Add(uint16(len(whole)), other)
		f.Add(uint16(len(whole)/2), other)
		f.Add(uint16(8), other)
	}
	f.Fuzz(func(t *testing.T, at uint16, other []byte) {
		if len(other) > 1<<16 {
			return
		}
		file := bytes.Clone(whole)
		kept := int(at) % (len(file) + 1)
		copy(file[kept:], other)
		if rest := len(file) - kept; len(other) > rest {
			file = append(file, other[rest:]...)
		}
		text := said(t, file, 0)
		want := ""
		for _, b := range []struct {
			end  int
			line string
		}{{len(encode(0, 100, 3)), "batch 0-2\n"}, {len(encode(0, 100, 3)) + len(encode(3, 200, 2)), "batch 3-4\n"}} {
			if kept >= b.end {
				want += b.line
			}
		}
		if !strings.HasPrefix(text, want) {
			t.Errorf("before %d, got\n%swant\n%s", kept, text, want)
		}
	})
}
