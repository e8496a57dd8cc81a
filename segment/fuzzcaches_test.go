package segment_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/segment"
	"flashq/segment/batch"
)

// FuzzCaches puts any bytes over a place in one of the files beside the log, or in its place: never a panic, and every
// record and every time is found as before, since all of them are caches.
func FuzzCaches(f *testing.F) {
	clean := newDisk()
	l, _ := open(f, clean, 10_000)
	for i := range 120 {
		put(f, l, int64(1000+i), 5)
	}
	if err := l.Close(true); err != nil {
		f.Fatal(err)
	}
	names := slices.Concat(clean.Names(".index"), clean.Names(".timeindex"), clean.Names(".checkpoint"))
	if len(names) < 5 {
		f.Fatal(names)
	}
	f.Add(uint8(0), uint16(4), []byte{0xff}, false)
	f.Add(uint8(0), uint16(3), []byte{1}, false)
	f.Add(uint8(0), uint16(0), []byte{0, 0, 0, 200}, false)
	f.Add(uint8(2), uint16(0), []byte{}, true)
	f.Add(uint8(len(names)-1), uint16(2), []byte("9"), false)
	f.Add(uint8(3), uint16(8), binary.BigEndian.AppendUint64(nil, 1<<63-1), false)
	f.Add(uint8(4), uint16(0), bytes.Repeat([]byte{0, 0, 0, 1}, 12), true)
	f.Fuzz(func(t *testing.T, which uint8, at uint16, data []byte, whole bool) {
		fs := clean.Kill()
		name := names[int(which)%len(names)]
		text := clean.Bytes(name)
		if whole {
			text = data
		} else if len(text) > 0 {
			copy(text[int(at)%len(text):], data)
		}
		fs.SetBytes(name, slices.Clip(append([]byte{}, text...)))
		l, _ := open(t, fs, 10_000)
		for from := int64(0); from < 600; from += 47 { // most of them by an entry of an index
			recs, damaged := readAll(t, l, from)
			if damaged != nil {
				t.Fatalf("%s: damage %v", name, damaged)
			}
			wantDense(t, recs, from, 600)
		}
		v := l.View(l.Next())
		defer v.Close()
		for i := int64(4); i < 120; i += 23 { // batch i-4 ends at timestamp 1000+i
			if offset, _, ok, err := v.Find(segment.TimeSearch{Millis: 1000 + i}); err != nil || !ok || offset != 5*(i-4)+4 {
				t.Fatalf("%s: the first record of %d is %d: %v %v", name, 1000+i, offset, ok, err)
			}
		}
		check := segment.Check{FS: fs, Dir: dir, Found: func(segment.Fault) {}}.Run()
		if check.Records != 600 {
			t.Fatalf("%s: the check finds %d records", name, check.Records)
		}
	})
}

// listed makes any bytes the entries of a file of producers that is whole.
func listed(n uint32, entries []byte) []byte {
	tail := append(binary.BigEndian.AppendUint32(nil, n), entries...)
	head := binary.BigEndian.AppendUint16(nil, 1)
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(tail, crc32.MakeTable(crc32.Castagnoli)))
	return append(head, tail...)
}

// FuzzSnapshots reads any entries of a .snapshot and of a .keys: never a panic, no more room than there are bytes, and what
// is taken is written and read again as it was.
func FuzzSnapshots(f *testing.F) {
	fs := newDisk()
	producers := []segment.Producer{{ID: 7, Epoch: 2, LastSequence: 5, LastOffset: 40, OffsetDelta: 9, Timestamp: 7},
		{ID: 8, LastSequence: -1, LastOffset: -1, Timestamp: -1}}
	keys := []segment.KeyNote{{ID: 1 << 62, Digest: [16]byte{1}}, {ID: 1<<62 + 1, Runs: []segment.KeyRun{{Base: 5, Count: 2}}}}
	if err := segment.StoreProducers(fs, dir, 42, segment.EncodeProducers(2, slices.Values(producers)), slices.Values(keys), false); err != nil {
		f.Fatal(err)
	}
	const snapshot, beside, head = dir + "/00000000000000000042.snapshot", dir + "/00000000000000000042.keys", 10
	f.Add(uint32(2), fs.Bytes(snapshot)[head:], true)
	f.Add(uint32(2), fs.Bytes(beside)[head:], true)
	f.Add(uint32(1<<32-1), fs.Bytes(beside)[head:], true)
	f.Add(uint32(1), fs.Bytes(snapshot)[head:], false)
	impossible := segment.Producer{ID: 7, LastSequence: 5, LastOffset: 40, OffsetDelta: 99}
	f.Add(uint32(1), segment.EncodeProducers(1, slices.Values([]segment.Producer{impossible}))[head:], true)
	f.Fuzz(func(t *testing.T, n uint32, entries []byte, whole bool) {
		file := listed(n, entries)
		if !whole {
			file = entries
		}
		fs := newDisk()
		fs.SetBytes(snapshot, file)
		fs.SetBytes(beside, file)
		producers, err1 := segment.LoadProducers(fs, dir, 42)
		keys, err2 := segment.LoadKeyNotes(fs, dir, 42)
		for _, p := range producers {
			if p.ID < 0 || p.Epoch < 0 || p.LastOffset >= 0 && p.LastSequence >= 0 && p.LastOffset < int64(p.OffsetDelta) {
				t.Fatalf("%+v", p)
			}
		}
		if err1 != nil && producers != nil || err2 != nil && keys != nil || len(producers) > len(file) || len(keys) > len(file) {
			t.Fatalf("%d and %d entries with %v, %v", len(producers), len(keys), err1, err2)
		}
		fs = newDisk()
		err := segment.StoreProducers(fs, dir, 42, segment.EncodeProducers(0, slices.Values(producers)), slices.Values(keys), true)
		again, err1 := segment.LoadProducers(fs, dir, 42)
		keysAgain, err2 := segment.LoadKeyNotes(fs, dir, 42)
		if err != nil || err1 != nil || err2 != nil || !slices.Equal(producers, again) || len(keys) > 0 && !cmp.Equal(keys, keysAgain) {
			t.Fatalf("%v and %v became %v and %v: %v %v %v", producers, keys, again, keysAgain, err, err1, err2)
		}
	})
}

// FuzzKeyNotes puts any bytes after, or over, the notes beside the active segment: every record is there, and no key is told
// a digest that was not written for it.
func FuzzKeyNotes(f *testing.F) {
	clean := newDisk()
	l, _ := open(f, clean, 1<<20)
	for i := range 3 {
		if err := putKeyed(l, byte(2*i), byte(2*i+1)); err != nil {
			f.Fatal(err)
		}
	}
	clean = clean.Kill()
	whole := clean.Bytes(notes)
	f.Add(uint16(0), []byte{0})
	f.Add(uint16(len(whole)), whole[:41])
	f.Add(uint16(40), whole)
	f.Fuzz(func(t *testing.T, at uint16, data []byte) {
		fs := clean.Kill()
		fs.SetBytes(notes, slices.Concat(whole[:min(int(at), len(whole))], data))
		seen := 0
		l, _, err := segment.Open(segment.Config{
			FS: fs, Dir: dir, SegmentBytes: 1 << 20, See: func(batch.Batch) { seen++ },
			Noted: func(id int64, digest [16]byte) {
				if digest != digestOf(byte(id)) {
					t.Fatalf("key %d: digest %x", id, digest)
				}
			},
		})
		if err != nil || seen != 6 || l.Next() != 6 {
			t.Fatalf("%d batches to %d: %v", seen, l.Next(), err)
		}
		if err := putKeyed(l, 9); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzCheckpoints reads any leader-epoch-checkpoint and log-start-offset-checkpoint: never a panic, and what is taken as
// whole is written and read again as it was.
func FuzzCheckpoints(f *testing.F) {
	for _, text := range []string{"0\n2\n0 0\n2 500\n", "0\n1\nnews 0 17\n", "0\n0\n", "1\n0\n", "0\n1\n2147483648 1\n", "0\n2\nnews 0 17\n",
		"0\n1\nnews 0 -1\n", "0\n1\nnews -1 1\n", "", "\x00\x00", "0\n1\n 0 1\n", "0\n1\nnews 0 9223372036854775807\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fs := newDisk()
		fs.SetBytes(dir+"/leader-epoch-checkpoint", text)
		fs.SetBytes("log-start-offset-checkpoint", text)
		epochs, err := segment.LoadEpochs(fs, dir)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if err := segment.StoreEpochs(fs, dir, epochs); err != nil {
			t.Fatal(err)
		}
		if again, err := segment.LoadEpochs(fs, dir); err != nil || !slices.Equal(epochs, again) {
			t.Fatalf("%q: %v became %v: %v", text, epochs, again, err)
		}
		starts, err := segment.LoadLogStarts(fs)
		for _, s := range starts {
			if s.Partition < 0 || s.Offset < 0 || s.Offset > segment.MaxOffset || s.Topic == "" {
				t.Fatalf("%q: %+v", text, s)
			}
		}
		if err != nil {
			return
		}
		want := slices.Clone(starts)
		if err := segment.StoreLogStarts(fs, want); err != nil {
			t.Fatal(err)
		}
		if again, err := segment.LoadLogStarts(fs); err != nil || !slices.Equal(want, again) {
			t.Fatalf("%q: %v became %v: %v", text, want, again, err)
		}
	})
}
