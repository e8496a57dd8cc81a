package dump

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"flashq/segment"
	"flashq/segment/batch"
)

const first = "00000000000000000000"

// encode makes a stamped batch of records with these values.
func encode(base int64, values ...string) batch.Batch {
	var b batch.Builder
	for i, v := range values {
		b.Add(1000*(base+int64(i)), nil, []byte(v))
	}
	out := b.Finish()
	out.SetBaseOffset(base)
	return out
}

// attributed sets the attributes of a batch.
func attributed(b batch.Batch, attributes byte) batch.Batch {
	b[22] |= attributes
	return sealed(b)
}

// sealed computes the CRC again.
func sealed(b batch.Batch) batch.Batch {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// written makes a folder of files, below the folder of a partition.
func written(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, p := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, p, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// lines are what Run says, without the first line of each file.
func lines(t *testing.T, o Options, paths ...string) (string, Sum) {
	t.Helper()
	var text []byte
	sum, err := Run(paths, o, func(it Item) error {
		if p := it.AppendJSON(nil); !json.Valid(p) {
			t.Errorf("no JSON: %s", p)
		}
		if it.Type != "file" {
			text = it.AppendText(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text), sum
}

func TestLogsOfEachKind(t *testing.T) {
	zipped := encode(0, "one", "two")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(zipped[batch.HeaderSize:])
	w.Close()
	zipped = append(zipped[:batch.HeaderSize:batch.HeaderSize], packed.Bytes()...)
	binary.BigEndian.PutUint32(zipped[8:], uint32(len(zipped)-12))
	attributed(zipped, 1)

	counts := encode(0, "a", "b")
	binary.BigEndian.PutUint32(counts[57:], 3)

	var marker batch.Builder
	marker.Add(5000, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 9})
	commit := marker.Finish()
	commit.SetBaseOffset(2)

	later := func(b batch.Batch) batch.Batch { // every record has the time at which the broker took it
		binary.BigEndian.PutUint64(b[35:], 9000)
		return attributed(b, 8)
	}
	cut := append([]byte(nil), zipped...)
	cut = sealed(batch.Batch(cut[:len(cut):len(cut)]))
	cut[80] ^= 1
	sealed(cut)

	for name, row := range map[string]struct {
		file   []byte
		want   []string
		faults int
	}{
		"compressed": {zipped, []string{"codec: gzip", `| record offset: 0 timestamp: 1970-01-01T00:00:00.000Z`, `value: "two"`}, 0},
		"damage in what is compressed, under a good CRC": {cut, []string{"crc_valid: true", "last_offset: 1 what: gzip: the compressed data is damaged"}, 1},
		"transaction": {append(attributed(encode(0, "a", "b"), 0x10), attributed(commit, 0x30)...),
			[]string{"transactional: true\n", "transactional: true control: true\n", "| control offset: 2 timestamp: 1970-01-01T00:00:05.000Z control: commit coordinator_epoch: 9\n"}, 0},
		"times of the broker":                {later(encode(0, "a")), []string{"timestamp_type: append", "| record offset: 0 timestamp: 1970-01-01T00:00:09.000Z"}, 0},
		"compacted":                          {append(encode(3, "a"), encode(7, "b")...), []string{"gap position: 69 first_offset: 4 last_offset: 6 what: no records"}, 0},
		"room of Kafka's":                    {append(encode(0, "a"), make([]byte, 100)...), []string{"room position: 69 size: 100"}, 0},
		"torn":                               {append(encode(0, "a"), encode(1, "b")[:65]...), []string{"damage position: 69 size: 65 what: the front part"}, 1},
		"fewer records than the head counts": {sealed(counts), []string{"| record offset: 1 ", "damage position: 0 size: 78 first_offset: 0 last_offset: 1 what: batch is corrupt: record length"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t, map[string][]byte{"t-0/" + first + ".log": row.file})
			text, sum := lines(t, Options{Records: true}, dir)
			for _, want := range row.want {
				if !strings.Contains(text, want) {
					t.Errorf("not there: %s\n%s", want, text)
				}
			}
			if sum.Faults != row.faults {
				t.Errorf("%d faults, not %d\n%s", sum.Faults, row.faults, text)
			}
		})
	}
}

// In a folder of FlashQ's no offset is left out, and what was kept aside is damage that is known.
func TestLogsOfFlashQ(t *testing.T) {
	gap := append(encode(0, "a"), encode(5, "b")...)
	dir := written(t, map[string][]byte{
		"flashq.version": []byte("1 1\n"), "t-0/" + first + ".log": gap, "t-0/" + first + "-138.broken": append(gap[:69:69], "torn"...),
	})
	text, sum := lines(t, Options{}, dir)
	if !strings.Contains(text, "damage position: 69 first_offset: 1 last_offset: 4 what: no records have these offsets\n") || sum.Faults != 1 {
		t.Errorf("%d faults\n%s", sum.Faults, text)
	}
	if !strings.Contains(text, "damage position: 69 size: 4 what: the front part") {
		t.Errorf("nothing of what was kept aside\n%s", text)
	}
}

func TestIndexesAgainstTheirLog(t *testing.T) {
	log := append(append(encode(0, "a"), encode(1, "b")...), encode(2, "c")...)
	offsets := func(pairs ...uint32) (p []byte) {
		for _, n := range pairs {
			p = binary.BigEndian.AppendUint32(p, n)
		}
		return p
	}
	times := func(pairs ...uint32) (p []byte) {
		for i, n := range pairs {
			if i%2 == 0 {
				p = append(p, 0, 0, 0, 0)
			}
			p = binary.BigEndian.AppendUint32(p, n)
		}
		return p
	}
	for name, row := range map[string]struct {
		index, timeIndex []byte
		want             string
		faults           int
	}{
		"sound":                     {offsets(1, 69, 2, 138), times(1000, 1, 2000, 2), "entry timestamp: 1970-01-01T00:00:02.000Z offset: 2", 0},
		"with room":                 {append(offsets(1, 69), make([]byte, 80)...), append(times(1000, 1), make([]byte, 120)...), "room entries: 10 what: zeroes", 0},
		"a position between":        {offsets(1, 70), nil, "damage offset: 1 position: 70 what: no batch begins at position 70", 1},
		"a position beyond":         {offsets(1, 9000), nil, "position 9000 is beyond the end of the log, 207", 1},
		"another offset":            {offsets(2, 69), nil, "the batch at position 69 ends with offset 1", 1},
		"not in order":              {offsets(2, 138, 1, 69), nil, "it does not go on from the entry before it", 1},
		"another time":              {nil, times(1001, 1), "the largest timestamp of the batch with offset 1 is 1000", 1},
		"an offset beyond":          {nil, times(1000, 9), "the log ends before offset 9", 1},
		"half an entry":             {append(offsets(1, 69), 0), nil, "damage what: 1 bytes are after the last whole entry", 1},
		"one entry, of 1970's dawn": {nil, times(0, 0), "entry timestamp: 1970-01-01T00:00:00.000Z offset: 0", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t, map[string][]byte{
				"t-0/" + first + ".log": log, "t-0/" + first + ".index": row.index, "t-0/" + first + ".timeindex": row.timeIndex,
			})
			text, sum := lines(t, Options{}, dir)
			if !strings.Contains(text, row.want) || sum.Faults != row.faults {
				t.Errorf("%d faults, want %d and %q\n%s", sum.Faults, row.faults, row.want, text)
			}
		})
	}
}

// What comes from records and files moves no terminal, and JSON of it reads as it was.
func TestTextOfOthersIsEscaped(t *testing.T) {
	const nasty = "\x1b[31m\u202e\u0085\x7f\U000e0041\"\\\n"
	it := Item{File: nasty, Type: "file", Fields: []Field{
		{"name", nasty}, {"value", Bytes(nasty)}, {"other", Bytes("`\x1b\"")}, {"headers", Headers{{[]byte(nasty), []byte(nasty)}}},
	}}
	for _, p := range [][]byte{it.AppendText(nil), it.AppendJSON(nil)} {
		if strings.ContainsAny(strings.TrimSuffix(string(p), "\n"), "\x1b\u202e\u0085\x7f\U000e0041\n") {
			t.Errorf("not escaped: %q", p)
		}
	}
	var back struct{ File, Name, Value string }
	if err := json.Unmarshal(it.AppendJSON(nil), &back); err != nil || back.File != nasty || back.Name != nasty || back.Value != nasty {
		t.Errorf("JSON reads as %+q %v", back, err)
	}
}

// FuzzFiles dumps any bytes as a file of each kind: it ends, nothing panics, and each item is a line of JSON.
func FuzzFiles(f *testing.F) {
	names := []string{
		first + ".log", first + ".index", first + ".timeindex", first + ".snapshot", first + ".keys", first + ".keynotes",
		"leader-epoch-checkpoint", "segments.checkpoint", "partition.metadata", "log-start-offset-checkpoint",
	}
	for i := range names {
		f.Add(uint8(i), []byte(encode(0, "a", "b")))
		f.Add(uint8(i), []byte("0\n1\na 0 5\n"))
		f.Add(uint8(i), segment.EncodeProducers(1, func(yield func(segment.Producer) bool) { yield(segment.Producer{ID: 5}) }))
		f.Add(uint8(i), make([]byte, 100))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, which uint8, file []byte) {
		if len(file) > 1<<16 {
			return
		}
		path := filepath.Join(dir, fmt.Sprint(os.Getpid()), "__consumer_offsets-0", names[int(which)%len(names)])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, file, 0o644)); err != nil {
			t.Fatal(err)
		}
		lines(t, Options{Records: true}, path)
	})
}
