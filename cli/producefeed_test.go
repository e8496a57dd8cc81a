package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"flashq/client"
)

// fed is all that a feed makes of an input.
func fed(t *testing.T, f *feed, in io.Reader) (all []parcel) {
	t.Helper()
	n := 0
	f.newKey = func() string { n++; return fmt.Sprint("key", n) }
	f.out = make(chan parcel)
	go f.read(t.Context(), in)
	for p := range f.out {
		all = append(all, p)
	}
	return all
}

// valuesOf reads back what stands in parcels, and demands that they follow on each other.
func valuesOf(t *testing.T, all []parcel, line int) (values []string) {
	t.Helper()
	keys := map[string]bool{}
	for _, p := range all {
		if p.first != line+1 || p.lines != bytes.Count(p.body, []byte{'\n'}) || keys[p.key] {
			t.Errorf("lines %d+%d under %s, after line %d", p.first, p.lines, p.key, line)
		}
		keys[p.key] = true
		line = p.first + p.lines - 1
		for text := range bytes.Lines(p.body) {
			var r client.Record
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			values = append(values, string(r.Value))
		}
	}
	return values
}

// However an input arrives, each of its lines is a record, in order, and all bytes but the line end survive.
func TestLinesBecomeRecords(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var in bytes.Buffer
	for range 3000 {
		line := make([]byte, random.IntN(100))
		for i := range line {
			line[i] = byte(random.IntN(1 + random.IntN(256)))
		}
		in.Write(bytes.ReplaceAll(line, []byte{'\n'}, []byte("é")))
		in.WriteByte('\n')
	}
	in.WriteString("no line end")
	want := strings.Split(in.String(), "\n")
	for name, r := range map[string]io.Reader{
		"whole":  bytes.NewReader(in.Bytes()),
		"bytes":  iotest.OneByteReader(bytes.NewReader(in.Bytes())),
		"halves": iotest.HalfReader(bytes.NewReader(in.Bytes())),
		"at end": iotest.DataErrReader(bytes.NewReader(in.Bytes())),
	} {
		for _, skip := range []int{0, 1, 2999, len(want), len(want) + 1} {
			f := &feed{encoder: newRecordEncoder("", nil, nil, false), skip: skip}
			if skip > 0 {
				r = bytes.NewReader(in.Bytes())
			}
			got := valuesOf(t, fed(t, f, r), skip)
			rest := want[min(skip, len(want)):]
			if strings.Join(got, "\n") != strings.Join(rest, "\n") || len(got) != len(rest) || f.err != nil || !f.whole {
				t.Errorf("%s, after %d: %d records of %d: %v", name, skip, len(got), len(rest), f.err)
			}
		}
	}
}

// Lines that come faster than they are sent fill requests, none of which is much longer than it should be.
func TestLinesThatComeFastGoTogether(t *testing.T) {
	line := strings.Repeat("x", 1000)
	in := strings.Repeat(line+"\n", 10*fullParcel/1000)
	all := fed(t, &feed{encoder: newRecordEncoder("", nil, nil, false)}, strings.NewReader(in))
	if got := valuesOf(t, all, 0); len(got) != 10*fullParcel/1000 {
		t.Errorf("%d records", len(got))
	}
	for _, p := range all {
		if len(p.body) > fullParcel+2000 {
			t.Errorf("a request of %d bytes", len(p.body))
		}
	}
}

// Blank lines of NDJSON are no records, but are counted, and nothing but blank lines is no request.
func TestBlankLinesAreNoRecords(t *testing.T) {
	const before = 3 * fullParcel
	var lines []int
	for _, p := range fed(t, &feed{}, strings.NewReader(strings.Repeat("\n", before)+"{\"value\":1}\n\n \n{\"value\":2}")) {
		for index := range p.records {
			lines = append(lines, p.first+lineOf(p.body, index))
		}
	}
	if !slices.Equal(lines, []int{before + 1, before + 4}) {
		t.Errorf("records in lines %v", lines)
	}
}

// What an earlier run got no answer for goes as the same lines under the same key, and the others after it.
func TestUnansweredLinesAreOneRequest(t *testing.T) {
	const in = "a\nb\nc\nd\n"
	for lines, whole := range map[int]bool{1: true, 3: true, 4: false} {
		f := &feed{
			encoder: newRecordEncoder("", nil, nil, false), skip: 1, again: &parcel{lines: lines, key: "old"},
		}
		all := fed(t, f, iotest.OneByteReader(strings.NewReader(in)))
		switch {
		case f.whole != whole, !whole && len(all) > 0:
			t.Errorf("%d lines: whole %t, %d parcels: %v", lines, f.whole, len(all), f.err)
		case whole && (all[0].key != "old" || all[0].lines != lines || len(valuesOf(t, all, 1)) != 3):
			t.Errorf("%d lines: %+v", lines, all)
		}
	}
}

// What the input held before a line that is too long, or before it could not be read any more, is fed.
func TestABrokenInputIsFedSoFar(t *testing.T) {
	long := strings.NewReader("a\n" + strings.Repeat("x", maxBody+chunk+1))
	broken := io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(io.ErrClosedPipe))
	for want, in := range map[string]io.Reader{"line 2 is longer than": long, "closed pipe": broken} {
		f := &feed{encoder: newRecordEncoder("", nil, nil, false)}
		if got := valuesOf(t, fed(t, f, in), 0); len(got) != 1 || got[0] != "a" {
			t.Errorf("%s: %.20q", want, got)
		}
		if f.whole || f.err == nil || !strings.Contains(f.err.Error(), want) {
			t.Errorf("%s: %v", want, f.err)
		}
	}
}

func TestTextThatNeedsNoEscapes(t *testing.T) {
	for length := range 18 {
		for at := range length {
			for b := range 256 {
				text := bytes.Repeat([]byte{'~'}, length)
				text[at] = byte(b)
				plain := b >= ' ' && b < 0x80 && b != '"' && b != '\\'
				if isPlain(text) != plain {
					t.Fatalf("%q: %t", text, !plain)
				}
			}
		}
	}
}

func TestDelimitersAreReadAsTyped(t *testing.T) {
	for text, want := range map[string]string{
		":": ":", "=>": "=>", `\t`: "\t", `\0`: "\x00", `\x1f`: "\x1f", `\\`: `\`, `"`: `"`, "é": "é", "\t": "\t",
		"": "", `\`: "", `\n`: "", `\q`: "",
	} {
		if got, err := delimiterOf(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
