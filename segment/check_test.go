package segment_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// checkedLog is a cleanly closed log of several segments, with indexes of several entries.
func checkedLog(t *testing.T) *segmenttest.FS {
	t.Helper()
	fs := newDisk()
	l, _ := open(t, fs, 20_000)
	for i := range 600 {
		put(t, l, int64(1000+i), 2)
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	if err := segment.StoreEpochs(fs, dir, []segment.Epoch{{Epoch: 0, Start: 0}, {Epoch: 2, Start: 500}}); err != nil {
		t.Fatal(err)
	}
	if n := len(fs.Names(".log")); n < 3 {
		t.Fatalf("%d segments", n)
	}
	return fs
}

// check runs one over a copy, and demands that the disk is as it was.
func check(t *testing.T, fs *segmenttest.FS, clean bool) (faults []string, lost int, sum segment.Checked) {
	t.Helper()
	before := map[string]string{}
	for _, name := range fs.Names("") {
		before[name] = string(fs.Bytes(name))
	}
	sum = segment.Check{FS: fs, Dir: dir, Clean: clean, Found: func(f segment.Fault) {
		faults = append(faults, strings.TrimPrefix(f.Name, dir+"/")+": "+f.What)
		if f.Lost {
			lost++
		}
	}}.Run()
	for _, name := range fs.Names("") {
		if before[name] != string(fs.Bytes(name)) {
			t.Errorf("%s is not as it was", name)
		}
	}
	return faults, lost, sum
}

func TestACheckOfAGoodLogFindsNothing(t *testing.T) {
	for _, clean := range []bool{true, false} {
		fs := checkedLog(t)
		if !clean { // killed while it was written to: the last index is old, or was never written
			l, _ := open(t, fs, 20_000)
			for range 20 {
				put(t, l, 2000, 3)
			}
			if err := l.Abandon(); err != nil {
				t.Fatal(err)
			}
		}
		faults, lost, sum := check(t, fs, clean)
		want := int64(1200)
		if !clean {
			want += 60
		}
		if len(faults) > 0 || lost > 0 || sum.Records != want || sum.Segments != int64(len(fs.Names(".log"))) {
			t.Errorf("clean %v: %q, %+v", clean, faults, sum)
		}
	}
}

// Records of the first millisecond, each so large that the index has it, are good ones.
func TestACheckOfLargeEarlyRecords(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 20_000)
	for base := range int64(3) {
		if err := l.Append(at(0), []batch.Batch{sized(base, 0, 5000)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	if faults, _, sum := check(t, fs, true); len(faults) > 0 || sum.Records != 3 {
		t.Errorf("%q, %+v", faults, sum)
	}
	if _, r := open(t, fs, 20_000); r.Rebuilt > 0 {
		t.Errorf("%+v", r)
	}
}

// Every kind of damage is found, by the name of its file, and told apart by whether records are lost.
func TestACheckNamesWhatIsWrong(t *testing.T) {
	logs := checkedLog(t).Names(".log")
	first, second, last := logs[0], logs[1], logs[len(logs)-1]
	index := func(log, suffix string) string { return strings.TrimSuffix(log, ".log") + suffix }
	flip := func(at int) func([]byte) []byte {
		return func(p []byte) []byte { p[at] ^= 0x10; return p }
	}
	for name, row := range map[string]struct {
		file  string
		spoil func(p []byte) []byte // nil: the file is gone
		want  string
		lost  bool
	}{
		"a record":          {first, flip(70), "offsets 0 to 1 are damaged", true},
		"a segment":         {second, nil, "and the segment before it ends before", true},
		"a sealed tail":     {first, func(p []byte) []byte { return append(p, 1, 2, 3) }, "3 bytes that are no records", false},
		"the last tail":     {last, func(p []byte) []byte { return append(p, 1, 2, 3) }, "3 bytes of a write that was cut short", false},
		"a position":        {index(first, ".index"), flip(7), "does not fit its log", false},
		"an index offset":   {index(first, ".index"), flip(3), "does not fit its log", false},
		"a time":            {index(first, ".timeindex"), flip(7), "does not fit its log", false},
		"a time's offset":   {index(first, ".timeindex"), flip(11), "does not fit its log", false},
		"half an entry":     {index(first, ".index"), func(p []byte) []byte { return p[:len(p)-3] }, "whole entry", false},
		"entries":           {index(first, ".index"), func(p []byte) []byte { return p[:8] }, "has 1 of", false},
		"time entries":      {index(first, ".timeindex"), func(p []byte) []byte { return p[:12] }, "has 1 of", false},
		"entries' order":    {index(first, ".index"), func(p []byte) []byte { return append(p[8:], p[:8]...) }, "does not fit its log", false},
		"an index":          {index(first, ".index"), nil, "is missing", false},
		"the last index":    {index(last, ".timeindex"), flip(7), "does not fit its log", false},
		"an index too many": {dir + "/00000000000000009999.index", func([]byte) []byte { return nil }, "without a log", false},
		"a checkpoint line": {dir + "/segments.checkpoint", flip(3), "line 1 can't be read", false},
		"an epoch file":     {dir + "/leader-epoch-checkpoint", func(p []byte) []byte { return append(p, "junk\n"...) }, "is not whole", false},
		"an epoch too far":  {dir + "/leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n1\n0 7777\n") }, "ends before 1200", false},
		"epochs' order":     {dir + "/leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n2\n3 0\n1 9\n") }, "stands after", false},
		"epochs' starts":    {dir + "/leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n2\n1 9\n2 0\n") }, "stands after", false},
		"an epoch twice":    {dir + "/leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n2\n1 0\n1 9\n") }, "stands after", false},
		"a time twice":      {index(first, ".timeindex"), func(p []byte) []byte { return append(p[:12:12], p...) }, "does not fit its log", false},
		"the last time":     {index(first, ".timeindex"), func(p []byte) []byte { return p[:len(p)-12] }, "entries (no answer", false},
		"what a CRC covers": {first, func(p []byte) []byte {
			size, _ := batch.Size(p)
			b := batch.Batch(p[:size])
			b[batch.HeaderSize+3] = 8 // the first record's offset delta
			b.ShiftTimestamps(0)      // with a CRC that holds
			return p
		}, "offset 0: ", true},
	} {
		t.Run(name, func(t *testing.T) {
			fs := checkedLog(t)
			if row.spoil == nil {
				if err := fs.Remove(row.file); err != nil {
					t.Fatal(err)
				}
			} else {
				fs.SetBytes(row.file, append([]byte{}, row.spoil(slices.Clone(fs.Bytes(row.file)))...))
			}
			faults, lost, _ := check(t, fs, true)
			named := strings.TrimPrefix(row.file, dir+"/") + ": "
			if name == "a segment" { // what is gone shows in the one after it
				named = strings.TrimPrefix(logs[2], dir+"/") + ": "
			}
			if len(faults) == 0 || !slices.ContainsFunc(faults, func(f string) bool {
				return strings.HasPrefix(f, named) && strings.Contains(f, row.want)
			}) || (lost > 0) != row.lost {
				t.Errorf("%q, %d of them lost", faults, lost)
			}
		})
	}
}

// Whoever asks is shown every good batch, and what he finds wrong with one is a fault.
func TestACheckShowsEachGoodBatch(t *testing.T) {
	fs := filled(t, 3)
	spoilt := slices.Clone(fs.Bytes(active))
	spoilt[70] ^= 1 // in the first batch
	for _, c := range []struct {
		log  []byte
		sees []int64
	}{{fs.Bytes(active), []int64{0, 3, 6}}, {spoilt, []int64{3, 6}}} {
		fs.SetBytes(active, slices.Clone(c.log))
		var seen []int64
		told := 0
		segment.Check{FS: fs, Dir: dir, See: func(b batch.Batch) error {
			if seen = append(seen, b.BaseOffset()); b.BaseOffset() == 6 {
				return errors.New("nobody's")
			}
			return nil
		}, Found: func(f segment.Fault) {
			if f.Lost && strings.Contains(f.What, "offset 6: nobody's") {
				told++
			}
		}}.Run()
		if !slices.Equal(seen, c.sees) || told != 1 {
			t.Errorf("seen %d, told %d times", seen, told)
		}
	}
}

// What retention took, and a log that was trimmed to its end, are no faults; a segment that can't be opened is its own
// alone.
func TestACheckBlamesNobodyElse(t *testing.T) {
	fs, l := stepped(t)
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	faults := func(start int64) (all []string) {
		segment.Check{FS: fs, Dir: dir, Clean: true, LogStart: start, Found: func(f segment.Fault) {
			all = append(all, strings.TrimPrefix(f.Name, dir+"/")+": "+f.What)
		}}.Run()
		return all
	}
	logs := fs.Names(".log")
	fs.Fail(segmenttest.OpOpen, 1, errDisk)
	if got := faults(0); len(got) != 1 || !strings.HasPrefix(got[0], strings.TrimPrefix(logs[0], dir+"/")) {
		t.Errorf("a segment that can't be opened: %q", got)
	}
	fs.SetBytes(logs[0], nil)
	if got := faults(0); slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, "the segment before it") }) {
		t.Errorf("without the first segment: %q", got)
	}
	if got := faults(l.Next()); len(got) != 0 {
		t.Errorf("trimmed to its end: %q", got)
	}
	fs = newDisk()
	if got := faults(5); len(got) != 0 {
		t.Errorf("an empty folder: %q", got)
	}
}

// A line of the checkpoint that is whole and wrong would be believed at the next start.
func TestACheckpointThatLiesIsFound(t *testing.T) {
	fs, other := checkedLog(t), newDisk()
	l, _ := open(t, other, 20_000)
	for i := range 300 {
		put(t, l, int64(1001+i), 2) // a millisecond later: the same sizes and offsets
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	fs.SetBytes(dir+"/segments.checkpoint", other.Bytes(dir+"/segments.checkpoint"))
	faults, lost, _ := check(t, fs, true)
	if len(faults) == 0 || lost > 0 || !strings.Contains(faults[0], "segments.checkpoint: says of segment 0 what is not so") {
		t.Errorf("%q", faults)
	}
}

// A check goes from where the log begins: what a trim that was cut short has left is no fault. A start that can't be, and
// a segment's name that is no offset, are.
func TestACheckGoesByTheLogStart(t *testing.T) {
	fs, l := stepped(t)
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	from := func(start int64) (faults []string) {
		sum := segment.Check{FS: fs, Dir: dir, Clean: true, LogStart: start, Found: func(f segment.Fault) {
			faults = append(faults, f.Name+": "+f.What)
		}}.Run()
		if start == 12 && sum.Records != 9 {
			t.Errorf("%+v", sum)
		}
		return faults
	}
	fs.SetBytes(dir+"/00000000000000000000.log", nil)
	fs.SetBytes(dir+"/00000000000000000006.log", []byte("left in part"))
	if faults := from(12); faults != nil {
		t.Errorf("%q", faults)
	}
	for start, told := range map[int64]bool{13: true, 14: false} { // what is older goes at the next start
		fs.SetBytes(dir+"/00000000000000000013.index", []byte{})
		if faults := from(start); strings.Contains(fmt.Sprint(faults), "13.index: is an index without a log") != told {
			t.Errorf("an index without its log, from %d: %q", start, faults)
		}
		fs.SetBytes(dir+"/00000000000000000013.index", nil)
	}
	if faults := from(0); len(faults) == 0 {
		t.Error("without a start, nothing is found")
	}
	fs.SetBytes(dir+"/00000000000000000006.log", nil)
	if faults := from(99); len(faults) != 1 || !strings.Contains(faults[0], "begin at offset 99, and ends before 21") {
		t.Errorf("%q", faults)
	}
	fs.SetBytes(dir+"/09223372036854775807.log", []byte{})
	if faults := from(12); len(faults) != 1 || !strings.HasPrefix(faults[0], dir+"/09223372036854775807.log") {
		t.Errorf("%q", faults)
	}
}

// What is saved of producers is a cache: damage in it is told, and loses no record.
func TestCheckProducers(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 1<<20)
	put(t, l, 1, 3)
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	store(t, fs, 3, []segment.Producer{{ID: 7, LastOffset: 2}}, segment.KeyNote{ID: 1 << 62, Digest: [16]byte{1}})
	for _, row := range []struct {
		name string
		do   func()
		want int
	}{
		{"whole", func() {}, 0},
		{"of what is lost", func() { store(t, fs, 4, nil) }, 1},
		{"digests damaged", func() { fs.SetBytes(dir+"/00000000000000000003.keys", []byte("x")) }, 2},
		{"all damaged", func() { fs.SetBytes(dir+"/00000000000000000003.snapshot", []byte("x")) }, 3},
	} {
		row.do()
		var faults []segment.Fault
		segment.Check{FS: fs, Dir: dir, Clean: true, Found: func(f segment.Fault) { faults = append(faults, f) }}.Run()
		for _, f := range faults {
			if f.Lost {
				t.Errorf("%s: %+v", row.name, f)
			}
		}
		if len(faults) != row.want {
			t.Errorf("%s: %+v", row.name, faults)
		}
	}
}
