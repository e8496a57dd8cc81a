package segment_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"flashq/segment"
	"flashq/segment/batch"
)

func TestLogRollsAndReads(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 2000)
	for i := range 40 {
		put(t, l, int64(1000+i), 5)
	}
	if l.Segments() < 4 {
		t.Fatalf("%d segments", l.Segments())
	}
	for _, from := range []int64{0, 1, 4, 5, 77, 199} {
		recs, damaged := readAll(t, l, from)
		if damaged != nil {
			t.Fatalf("damage %v", damaged)
		}
		wantDense(t, recs, from, 200)
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	l, r := open(t, fs, 2000)
	recs, _ := readAll(t, l, 0)
	wantDense(t, recs, 0, 200)
	if r.Rebuilt != 0 || r.Records != 200 {
		t.Fatalf("report %+v: the checkpoint should have saved the work", r)
	}
	put(t, l, 5000, 3)
	recs, _ = readAll(t, l, 0)
	wantDense(t, recs, 0, 203)
}

func TestIndexesAreKafkas(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 1<<20)
	value := bytes.Repeat([]byte("x"), 1500)
	var positions []int64
	pos := int64(0)
	for i := range 20 {
		var b batch.Builder
		b.Add(int64(100+i/2), nil, value)
		b.Add(int64(50), nil, value)
		out := b.Finish()
		out.SetBaseOffset(l.Next())
		if err := l.Append(at(1), []batch.Batch{out}, nil); err != nil {
			t.Fatal(err)
		}
		positions = append(positions, pos)
		pos += int64(len(out))
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	// 3 KiB batches: an entry for the first batch that begins more than 4096 bytes after the last entry's batch.
	index, times := fs.Bytes(dir+"/00000000000000000000.index"), fs.Bytes(dir+"/00000000000000000000.timeindex")
	if len(index) != 9*8 {
		t.Fatalf("%d index bytes", len(index))
	}
	for i := range 9 {
		n := 2 * (i + 1) // the batch
		rel, at := binary.BigEndian.Uint32(index[i*8:]), binary.BigEndian.Uint32(index[i*8+4:])
		if int(rel) != 2*n+1 || int64(at) != positions[n] {
			t.Errorf("entry %d is offset %d at %d, want the last record %d of the batch at %d", i, rel, at, 2*n+1, positions[n])
		}
	}
	for i := 0; i+12 < len(times); i += 12 {
		if binary.BigEndian.Uint64(times[i:]) >= binary.BigEndian.Uint64(times[i+12:]) {
			t.Errorf("time index entry %d does not grow", i/12)
		}
	}
	last := times[len(times)-12:]
	if ts, rel := binary.BigEndian.Uint64(last), binary.BigEndian.Uint32(last[8:]); ts != 109 || rel != 37 {
		t.Errorf("last time entry is %d at %d, want the largest timestamp 109 with the last record 37 of its batch", ts, rel)
	}
}

func TestFindByTime(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 3000)
	// Times go up, fall back and go up again, over several segments.
	for i := range 60 {
		put(t, l, int64(1000+10*((i*7)%60)), 3)
	}
	check := func() {
		t.Helper()
		recs, _ := readAll(t, l, 0)
		v := l.View(l.Next())
		defer v.Close()
		for millis := int64(990); millis < 1620; millis++ {
			var want *rec
			for i := range recs {
				if recs[i].ts >= millis {
					want = &recs[i]
					break
				}
			}
			offset, ts, ok, err := v.Find(segment.TimeSearch{Millis: millis})
			if err != nil || ok != (want != nil) || ok && (offset != want.offset || ts != want.ts) {
				t.Fatalf("find %d: %d %d %v %v, want %+v", millis, offset, ts, ok, err, want)
			}
		}
	}
	check()
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	l, _ = open(t, fs, 3000)
	check()
	if err := l.Trim(2).Run(); err != nil {
		t.Fatal(err)
	}
	check()
}

// A log that is trimmed as fast as it rolls takes the room of what it keeps, however long it runs.
func TestCheckpointForgetsWhatIsGone(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 100)
	for i := range 500 {
		put(t, l, int64(i), 5)
		if err := l.Trim(max(l.Segments()-3, 0)).Run(); err != nil {
			t.Fatal(err)
		}
	}
	if size := len(fs.Bytes(dir + "/segments.checkpoint")); size > 2000 {
		t.Errorf("the checkpoint has %d bytes for %d segments", size, l.Segments())
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	if _, r := open(t, fs, 100); r.Rebuilt != 0 {
		t.Errorf("report %+v: the checkpoint should have saved the work", r)
	}
}

func TestTrimmedViewSaysGone(t *testing.T) {
	l, _ := open(t, newDisk(), 1000)
	for i := range 30 {
		put(t, l, int64(i), 5)
	}
	old := l.View(l.Next())
	defer old.Close()
	if err := l.Trim(3).Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Read(nil, 0, 100); err == nil || !bytes.Contains([]byte(err.Error()), []byte(segment.ErrGone.Error())) {
		t.Fatalf("reading a trimmed segment: %v", err)
	}
	recs, damaged := readAll(t, l, l.Start())
	if damaged != nil || l.Start() == 0 {
		t.Fatalf("start %d, damage %v", l.Start(), damaged)
	}
	wantDense(t, recs, l.Start(), 150)
}
