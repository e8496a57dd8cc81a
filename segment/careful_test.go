package segment_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"flashq/segment"
)

// A spoiled batch of which header and value are damaged still keeps all the offsets that it may have held.
func TestTheLargerCountOfADamagedBatchCounts(t *testing.T) {
	for _, row := range []struct{ count, lastDelta uint32 }{{5, 2}, {3, 4}, {5, 1 << 30}, {1 << 30, 4}} {
		fs := newDisk()
		l, _ := open(t, fs, 1<<20)
		put(t, l, 1, 2)
		at := len(fs.Bytes(active))
		put(t, l, 2, 5)
		_ = l.Abandon()
		log := fs.Bytes(active)
		binary.BigEndian.PutUint32(log[at+23:], row.lastDelta)
		binary.BigEndian.PutUint32(log[at+57:], row.count)
		log[len(log)-2] ^= 1
		fs.SetBytes(active, log)
		if l, r := open(t, fs, 1<<20); l.Next() != 7 || len(r.Damage) != 1 || r.Damage[0] != (segment.Damage{First: 2, Next: 7}) {
			t.Errorf("%+v: next %d, %+v", row, l.Next(), r)
		}
	}
}

// Bytes at the end that look like a batch of some other place, with a wrong CRC, are a torn write: it was not written
// whole here.
func TestAWrongTailFromElsewhereIsCut(t *testing.T) {
	fs := filled(t, 2)
	stray := encode(100, 5, 3)
	stray[len(stray)-2] ^= 1
	fs.SetBytes(active, append(fs.Bytes(active), stray...))
	if l, r := open(t, fs, 1<<20); l.Next() != 6 || r.CutBytes != int64(len(stray)) || r.Damage != nil {
		t.Errorf("next %d, %+v", l.Next(), r)
	}
}

// A line of the checkpoint that says something else than was written does not count: it would hide records from time
// queries, or damage from a start.
func TestSpoiltCheckpointLinesDoNotCount(t *testing.T) {
	const checkpoint = dir + "/segments.checkpoint"
	fs, l := stepped(t)
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	lines := string(fs.Bytes(checkpoint))
	spoilt := strings.Replace(lines, " 105 ", " 100 ", 1) // the first segment's largest timestamp
	fs.SetBytes(checkpoint, []byte(spoilt))
	if spoilt == lines {
		t.Fatalf("the checkpoint is %q", lines)
	}
	l, r := open(t, fs, 250)
	recs, _ := readAll(t, l, 0)
	findFrom(t, l, recs)
	if r.Rebuilt != 1 {
		t.Errorf("%+v", r)
	}
}

// A sealed segment that has lost its end since is found out at the start, to the last record.
func TestASealedSegmentThatGotShorter(t *testing.T) {
	for _, batches := range []int{1, 2} {
		fs := newDisk()
		l, _ := open(t, fs, 250)
		for i := range int64(9) {
			put(t, l, i, 1)
		}
		if err := l.Close(true); err != nil {
			t.Fatal(err)
		}
		whole, size := fs.Bytes(active), len(encode(0, 0, 1))
		held := int64(len(whole) / size)
		fs.SetBytes(active, whole[:len(whole)-batches*size])
		want := segment.Damage{First: held - int64(batches), Next: held}
		if _, r := open(t, fs, 250); len(r.Damage) != 1 || r.Damage[0] != want {
			t.Errorf("%d batches are gone: %+v, want %+v", batches, r, want)
		}
	}
}

// The times of a log are those of its first and of its newest record, in whichever segment.
func TestTimestamps(t *testing.T) {
	l, _ := open(t, newDisk(), 250)
	if first, last := l.Timestamps(); first != -1 || last != -1 {
		t.Errorf("without a record: %d to %d", first, last)
	}
	for i := range int64(9) {
		put(t, l, 100+10*i, 1)
		if first, last := l.Timestamps(); first != 100 || last != 100+10*i {
			t.Errorf("%d segments: %d to %d", l.Segments(), first, last)
		}
	}
	if l.Segments() < 3 {
		t.Fatalf("%d segments", l.Segments())
	}
	put(t, l, 90, 1)
	if first, last := l.Timestamps(); first != 100 || last != 180 {
		t.Errorf("after a step back: %d to %d", first, last)
	}
}

// A large batch that was read ahead together with the one before it is given whole, not from where that one begins.
func TestReadingALargeBatchThatWasReadAhead(t *testing.T) {
	l, _ := open(t, newDisk(), 1<<20)
	put(t, l, 1, 700)
	put(t, l, 2, 2000)
	v := l.View(l.Next())
	defer v.Close()
	first, second := len(encode(0, 1, 700)), len(encode(700, 2, 2000))
	if first < 9<<10 || first > 30<<10 || second < 33<<10 { // more than a step, copied; lent
		t.Fatalf("%d and %d bytes", first, second)
	}
	data, err := v.Read(nil, 0, first+second-1) // has no room for both
	if err != nil || len(data) != first {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	if data, err = v.Read(nil, 700, 1<<20); err != nil {
		t.Fatal(err)
	}
	wantDense(t, records(t, data, 700), 700, 2700)
}

// What is cut off a file in memory is free again.
func TestTruncatedMemoryIsFree(t *testing.T) {
	fs := segment.NewMemory(1 << 20)
	f, err := fs.Create("x.log")
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if _, err := f.WriteAt(make([]byte, 300_000), 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(0); err != nil {
			t.Fatal(err)
		}
	}
	if used := fs.Used(); used != 0 {
		t.Errorf("%d bytes count as used", used)
	}
}

// A disk quota that is used up is a want of room, as a full disk is, and no descriptor is neither that nor a failure:
// writes go on when there is some again.
func TestWantOfRoom(t *testing.T) {
	type verdict struct{ noSpace, untried bool }
	noSpace, untried := verdict{noSpace: true}, verdict{untried: true}
	opening := func(err error) error { return &os.PathError{Op: "open", Path: "t-0", Err: err} }
	for err, want := range map[error]verdict{
		syscall.ENOSPC: noSpace, syscall.EDQUOT: noSpace, segment.ErrMemoryFull: noSpace,
		syscall.EMFILE: untried, syscall.ENFILE: untried, opening(syscall.ENOMEM): untried, opening(syscall.EINTR): untried,
		syscall.EIO: {}, syscall.EROFS: {}, segment.ErrGone: {}, syscall.ENOMEM: {}, opening(syscall.EIO): {},
		opening(syscall.ENOSPC): noSpace,
	} {
		err = fmt.Errorf("write: %w", err)
		got := verdict{segment.IsNoSpace(err), segment.IsUntried(err)}
		if got != want || segment.MayRetry(err) != (want != verdict{}) {
			t.Errorf("%v: %+v", err, got)
		}
	}
	if segment.IsNoSpace(nil) || segment.IsUntried(nil) {
		t.Error("no error is one")
	}
}

// A small file that is to be durable is so with its name, over a power cut right after.
func TestWriteFileIsDurable(t *testing.T) {
	fs := newDisk()
	for _, text := range []string{"one", "two"} {
		if err := segment.WriteFile(fs, dir, "note", []byte(text), true); err != nil {
			t.Fatal(err)
		}
		if got := string(fs.Crash(nil).Bytes(dir + "/note")); got != text {
			t.Errorf("a power cut leaves %q", got)
		}
		if err := segment.StoreEpochs(fs, dir, []segment.Epoch{{Epoch: 1, Start: int64(len(text))}}); err != nil {
			t.Fatal(err)
		}
		if got, err := segment.LoadEpochs(fs.Crash(nil), dir); err != nil || !slices.Equal(got, []segment.Epoch{{Epoch: 1, Start: 3}}) {
			t.Errorf("a power cut leaves epochs %v, %v", got, err)
		}
	}
}

// A roll makes the sealed segment durable with its indexes' names before the next one is written to.
func TestASealIsDurable(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 1<<20)
	put(t, l, 1, 3)
	if err := l.Seal(true).Run(); err != nil {
		t.Fatal(err)
	}
	disk := fs.Crash(nil)
	if !bytes.Equal(disk.Bytes(active), fs.Bytes(active)) || len(disk.Names(".timeindex")) != 1 ||
		len(disk.Bytes(dir+"/00000000000000000000.timeindex")) == 0 {
		t.Errorf("a power cut leaves %v", disk.Names(""))
	}
}
