package segment_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// first is what a search has to find, by looking at every record.
func first(recs []rec, q segment.TimeSearch) (offset, ts int64, ok bool) {
	for _, r := range recs {
		if r.offset >= q.From && r.ts >= q.Millis {
			return r.offset, r.ts, true
		}
	}
	return 0, 0, false
}

// checkFind searches for every time and from many offsets.
func checkFind(t *testing.T, l *segment.Log, recs []rec, most int64, step int64) {
	t.Helper()
	v := l.View(l.Next())
	defer v.Close()
	for millis := int64(-1); millis <= most+1; millis++ {
		for from := int64(0); from <= l.Next(); from += step {
			q := segment.TimeSearch{Millis: millis, From: from}
			offset, ts, ok, err := v.Find(q)
			wantOffset, wantTS, want := first(recs, q)
			if err != nil || ok != want || ok && (offset != wantOffset || ts != wantTS) {
				t.Fatalf("find %d from %d: %d %d %v %v, want %d %d %v", millis, from, offset, ts, ok, err, wantOffset, wantTS, want)
			}
		}
	}
}

// Whatever order times come in and whatever the index files say, a search finds what a look at every record finds.
func TestFindInAnyOrderOfTimes(t *testing.T) {
	spoils := map[string]func(p []byte) []byte{
		"as it is": func(p []byte) []byte { return p },
		"missing":  func([]byte) []byte { return nil },
		"zeroed":   func(p []byte) []byte { return make([]byte, len(p)) },
		"halved":   func(p []byte) []byte { return p[:len(p)/48*24] },
		"cut":      func(p []byte) []byte { return p[:min(len(p), 12)] },
		"of its neighbours' offsets": func(p []byte) []byte {
			for i := 8; i+16 <= len(p); i += 12 {
				copy(p[i:i+4], p[i+12:])
			}
			return p
		},
		"without its middle": func(p []byte) []byte {
			clear(p[len(p)/36*12 : len(p)/36*24])
			return p
		},
		"of zeroes at its end": func(p []byte) []byte {
			clear(p[len(p)/24*12:])
			return p
		},
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for name, times := range map[string]func(i int) int64{
		"random":             func(int) int64 { return rng.Int64N(90) },
		"the last one first": func(i int) int64 { return max(60-60*int64(i), int64(i%7), 80*int64(i-998)) },
		"rare steps":         func(i int) int64 { return int64(i%400/399*40*(1+i/400) + i%7 + 20*(1-min(i, 1))) },
		"steps":              func(i int) int64 { return int64(i/250*20 + (i*7)%3) },
	} {
		clean := newDisk()
		l, _ := open(t, clean, 400_000)
		for i := range 1200 {
			put(t, l, times(i), 1+i%9*2)
		}
		recs, _ := readAll(t, l, 0)
		checkFind(t, l, recs, 110, l.Next()/5)
		roll(t, l)
		if err := l.Close(true); err != nil {
			t.Fatal(err)
		}
		for what, spoil := range spoils {
			fs := clean.Kill()
			for _, file := range clean.Names(".timeindex") {
				fs.SetBytes(file, spoil(clean.Bytes(file)))
			}
			t.Run(name+", time index "+what, func(t *testing.T) {
				l, _ := open(t, fs, 400_000)
				checkFind(t, l, recs, 110, l.Next()/3)
			})
		}
	}
}

// A late record at the beginning of a segment does not make a search for what is later look at all of it: neither in the
// active segment nor in a sealed one.
func TestFindReadsLittle(t *testing.T) {
	l, v := lateFirst(t, newDisk(), false)
	defer func() { v.Close() }()
	look := func(millis, want int64) {
		t.Helper()
		windows := 0
		offset, _, ok, err := v.Find(segment.TimeSearch{Millis: millis, Stop: func() bool { windows++; return false }})
		if err != nil || ok != (want >= 0) || ok && offset != want || windows > 2 {
			t.Errorf("find %d: %d %v %v after %d windows", millis, offset, ok, err, windows)
		}
	}
	look(1500, l.Next()-1)
	look(3001, -1)
	v.Close()
	l, v = lateFirst(t, newDisk(), true)
	look(1500, l.Next()-1)
}

// lateFirst is a log of 2 MiB whose first record is later than all but the last one, 2000.
func lateFirst(t *testing.T, fs segment.FS, sealed bool) (*segment.Log, *segment.View) {
	t.Helper()
	l, _ := open(t, fs, 8<<20)
	put(t, l, 1000, 1)
	for l.Bytes() < 2<<20 {
		put(t, l, 10, 300)
	}
	put(t, l, 2000, 1)
	if sealed {
		roll(t, l)
	}
	return l, l.View(l.Next())
}

func roll(t *testing.T, l *segment.Log) {
	t.Helper()
	if err := l.Seal(true).Run(); err != nil {
		t.Fatal(err)
	}
	if err := l.Roll(); err != nil {
		t.Fatal(err)
	}
}

// A search that has to look at much stops when it is told to.
func TestFindStops(t *testing.T) {
	fs := newDisk()
	l, v := lateFirst(t, fs, true)
	defer v.Close()
	fs.SetBytes(fs.Names(".timeindex")[0], nil)
	asked := 0
	q := segment.TimeSearch{Millis: 1500, Stop: func() bool { asked++; return asked == 3 }}
	if _, _, ok, err := v.Find(q); !errors.Is(err, segment.ErrStopped) || ok || asked != 3 {
		t.Errorf("%v %v after it was asked %d times", ok, err, asked)
	}
	q.Stop = func() bool { asked++; return false }
	if offset, _, ok, err := v.Find(q); err != nil || !ok || offset != l.Next()-1 || asked < 20 {
		t.Errorf("%d %v %v after it was asked %d times", offset, ok, err, asked)
	}
}

// squeezed is a batch that says it is compressed, and unsqueeze takes it apart.
func squeezed(b batch.Batch) batch.Batch {
	b[22] |= 1
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func unsqueeze(b batch.Batch) (batch.Batch, error) {
	plain := slices.Clone(b)
	plain[22] &^= 7
	return plain, nil
}

// Records of compressed batches are found one by one, and a batch that can't be taken apart is damage.
func TestFindInCompressedBatches(t *testing.T) {
	l, _ := open(t, newDisk(), 1<<20)
	for _, ts := range []int64{100, 200} {
		if err := l.Append(at(ts), []batch.Batch{squeezed(encode(l.Next(), ts, 10))}, nil); err != nil {
			t.Fatal(err)
		}
	}
	v := l.View(l.Next())
	defer v.Close()
	for _, row := range []struct{ millis, from, want int64 }{
		{0, 0, 0}, {100, 0, 0}, {101, 0, 1}, {109, 0, 9}, {110, 0, 10}, {205, 0, 15}, {105, 7, 7}, {100, 10, 10}, {209, 0, 19},
	} {
		q := segment.TimeSearch{Millis: row.millis, From: row.from, Unpack: unsqueeze}
		if offset, ts, ok, err := v.Find(q); err != nil || !ok || offset != row.want || ts != 100+offset%10+100*(offset/10) {
			t.Errorf("find %d from %d: %d %d %v %v, want %d", row.millis, row.from, offset, ts, ok, err, row.want)
		}
	}
	broken := func(batch.Batch) (batch.Batch, error) { return nil, errDisk }
	_, _, _, err := v.Find(segment.TimeSearch{Millis: 105, From: 3, Unpack: broken})
	if d, ok := errors.AsType[*segment.DamagedError](err); !ok || d.First != 3 || d.NextGood != 10 {
		t.Errorf("%v", err)
	}
}

// Damage on the way is told, and not passed by a search that did not say so; from its end the search finds what is next.
func TestFindTellsDamage(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 600)
	for i := range 12 {
		put(t, l, int64(100+10*i), 3)
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	l, _ = open(t, fs, 600)
	log := fs.Names(".log")[1]
	bytes := fs.Bytes(log)
	base := int64(binary.BigEndian.Uint64(bytes))
	bytes[12+binary.BigEndian.Uint32(bytes[8:])+70] ^= 1 // in its second batch
	fs.SetBytes(log, bytes)
	fs.SetBytes(fs.Names(".timeindex")[1], nil)
	v := l.View(l.Next())
	defer v.Close()
	late := 100 + 10*(base/3+1) // the second batch's first record
	_, _, ok, err := v.Find(segment.TimeSearch{Millis: late})
	if d, damaged := errors.AsType[*segment.DamagedError](err); !damaged || ok || d.First != base+3 || d.NextGood != base+6 {
		t.Fatalf("%v %v", ok, err)
	}
	for _, row := range []struct{ millis, from, want int64 }{{late, base + 6, base + 6}, {late - 10, 0, base}} {
		q := segment.TimeSearch{Millis: row.millis, From: row.from}
		if offset, _, ok, err := v.Find(q); err != nil || !ok || offset != row.want {
			t.Errorf("%+v: %d %v %v", row, offset, ok, err)
		}
	}
}

// A segment that has lost its last batch may have lost what is looked for: that is told, not passed over.
func TestFindTellsWhatASegmentLost(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 600)
	for i := range 12 {
		put(t, l, int64(100+10*i), 3)
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	log := fs.Names(".log")[1]
	whole := fs.Bytes(log)
	last := batch.Batch(whole)
	for rest := whole; len(rest) > 0; {
		var err error
		if last, rest, err = batch.Next(rest); err != nil {
			t.Fatal(err)
		}
	}
	base, ts := last.BaseOffset(), last.BaseTimestamp()
	fs.SetBytes(log, whole[:len(whole)-len(last)])
	fs.SetBytes(dir+"/segments.checkpoint", nil)
	l, _ = open(t, fs, 600)
	v := l.View(l.Next())
	defer v.Close()
	offset, at, ok, err := v.Find(segment.TimeSearch{Millis: ts})
	if d, damaged := errors.AsType[*segment.DamagedError](err); !damaged || ok || d.First != base || d.NextGood != base+3 {
		t.Errorf("the batch of %d at %d: %d at %d, %v %v", base, ts, offset, at, ok, err)
	}
	if _, _, ok, err := v.Find(segment.TimeSearch{Millis: ts, From: base + 3}); err != nil || !ok {
		t.Errorf("after it: %v %v", ok, err)
	}
}

// A file that can't be opened or read costs its own records: which those are is told, and it is no damage. An index that
// can't be read costs nothing.
func TestUnreadableFiles(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 600)
	for i := range 12 {
		put(t, l, int64(100+10*i), 3)
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	logs := fs.Names(".log")
	at := func(i int) (base int64) {
		_, err := fmt.Sscanf(logs[i], dir+"/%d.log", &base)
		if err != nil {
			t.Fatal(err)
		}
		return base
	}
	for name, row := range map[string]struct {
		op   segmenttest.Op
		err  error
		told bool
	}{
		"it can't be opened":  {segmenttest.OpOpen, errDisk, true},
		"it can't be read":    {segmenttest.OpRead, errDisk, true},
		"no descriptors":      {segmenttest.OpOpen, syscall.EMFILE, false},
		"none in the machine": {segmenttest.OpOpen, syscall.ENFILE, false},
	} {
		disk := fs.Kill()
		l, _ := open(t, disk, 600)
		v := l.View(l.Next())
		disk.FailFrom(row.op, 1, row.err)
		check := func(what string, err error, from int64) {
			t.Helper()
			u, told := errors.AsType[*segment.UnreadableError](err)
			if told != row.told || !errors.Is(err, row.err) || told && (u.First != from || u.Next != at(2)) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		_, err := v.Read(nil, at(1)+1, 100)
		check("read", err, at(1)+1)
		_, _, _, err = v.Find(segment.TimeSearch{Millis: 100 + 10*at(1)/3})
		check("find", err, at(1))
		disk.Heal()
		if data, err := v.Read(nil, at(1), 1); err != nil || len(data) == 0 {
			t.Errorf("%s: after it is well again: %v", name, err)
		}
		v.Close()
	}
	disk := fs.Kill()
	l, _ = open(t, disk, 600)
	disk.SetBytes(logs[1], nil) // somebody else took it away
	v := l.View(l.Next())
	defer v.Close()
	_, err := v.Read(nil, at(1), 100)
	if u, told := errors.AsType[*segment.UnreadableError](err); !told || u.Next != at(2) || !errors.Is(err, segment.ErrGone) {
		t.Errorf("a file that is gone: %v", err)
	}
	if data, err := v.Read(nil, 0, 1<<20); err != nil || len(records(t, data, 0)) != int(at(1)) {
		t.Errorf("what is before it: %v", err)
	}
}

// An index that can't be opened costs nothing but time.
func TestUnreadableIndexes(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 600)
	for i := range 12 {
		put(t, l, int64(100+10*i), 3)
	}
	v := l.View(l.Next())
	defer v.Close()
	for nth := 2; nth <= 3; nth++ { // after the log
		fs.Fail(segmenttest.OpOpen, nth, errDisk)
		if offset, _, ok, err := v.Find(segment.TimeSearch{Millis: 105}); err != nil || !ok || offset != 3 {
			t.Errorf("open %d fails: %d %v %v", nth, offset, ok, err)
		}
	}
}
