package kafka

import (
	"encoding/binary"
	"os"
	"regexp"
	"testing"
)

// A judge that can't object is worth nothing: each row spoils a sound file in a way that Kafka's tool reports, or that
// only we look at, and names the objection.
func TestJudgeObjects(t *testing.T) {
	sound := fill(t, false, []string{`"segment_bytes":262144`})
	if _, err := Logs(sound.logs(t, "flights", 0)[1]); err != nil {
		t.Fatalf("the sound file: %v", err)
	}
	for _, row := range []struct {
		name    string
		spoil   func(log []byte) []byte
		objects string
	}{
		{"a bit of a value", func(p []byte) []byte { p[len(p)-10] ^= 1; return p }, "isvalid false"},
		{"epoch outside the CRC", func(p []byte) []byte { p[15]++; return p }, "epoch 1$"},
		{"magic outside the CRC", func(p []byte) []byte { p[16] = 1; return p }, "."},
		{"base offset outside the CRC", func(p []byte) []byte { p[7]++; return p }, "-1 is followed by 1007"},
		{"a torn tail", func(p []byte) []byte { return p[:len(p)-7] }, "Found [0-9]+ invalid bytes"},
		{"a batch cut off", func(p []byte) []byte { return p[:lastBatch(p)] }, "[0-9]+ records instead of [0-9]+"},
		{"a batch doubled", func(p []byte) []byte { return append(p, p[lastBatch(p):]...) }, "[0-9]+ is followed by"},
		{"a batch left out", func(p []byte) []byte { return p[firstBatchSize(p):] }, "-1 is followed by"},
		{"zeros after the end", func(p []byte) []byte { return append(p, make([]byte, 100)...) }, "CorruptRecord"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := sound.clone(t, "flights", 0)
			file := f.logs(t, "flights", 0)[1]
			spoil(t, file.Path, row.spoil)
			_, err := Logs(file)
			objects(t, err, row.objects)
		})
	}
}

func TestJudgeObjectsToIndexes(t *testing.T) {
	sound := fill(t, false, nil)
	if err := Indexes(sound.indexes(t, "flights", 0)...); err != nil {
		t.Fatalf("the sound folder: %v", err)
	}
	for _, row := range []struct {
		name, suffix string
		at           int // the byte to be changed
		objects      string
	}{
		{"an offset", ".index", 8 + 3, "Mismatches in .*\n  Index offset: "},
		{"a position", ".index", 8 + 7, "NoSuchElementException"},
		{"a timestamp", ".timeindex", 12 + 6, "Found timestamp mismatch"},
		{"a timestamp's offset", ".timeindex", 12 + 11, "offsets are not found"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := sound.clone(t, "flights", 0)
			path := f.files(t, "flights", 0, row.suffix)[0]
			spoil(t, path, func(p []byte) []byte { p[row.at] ^= 1; return p })
			objects(t, Indexes(path), row.objects)
		})
	}
}

func objects(t *testing.T, err error, how string) {
	t.Helper()
	if err == nil || !regexp.MustCompile(how).MatchString(err.Error()) {
		t.Errorf("the judge's objection is %v instead of %q", err, how)
	}
}

func spoil(t *testing.T, path string, with func([]byte) []byte) {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, with(p), 0o644); err != nil {
		t.Fatal(err)
	}
}

func firstBatchSize(p []byte) int { return 12 + int(binary.BigEndian.Uint32(p[8:])) }

func lastBatch(p []byte) int {
	for at := 0; ; {
		next := at + firstBatchSize(p[at:])
		if next >= len(p) {
			return at
		}
		at = next
	}
}
